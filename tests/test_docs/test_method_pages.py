"""What the README of a method has: a figure that is up to date, equations whose names are in the code."""

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / 'docs' / 'en' / 'figures'
DESCRIPTIONS = yaml.safe_load((FIGURES / 'methods.yml').read_text(encoding='utf-8'))
METHODS = DESCRIPTIONS.keys() - {'architecture'}
#: parts of a figure that mmdet has
MMDET = {'FPN', 'ResNet', 'RPNHead', 'StandardRoIHead'}


@pytest.fixture(scope='module')
def source():
    """All words of the package's source, and those that are defined there."""
    text = '\n'.join(file.read_text(encoding='utf-8') for file in (ROOT / 'mmvos').rglob('*.py'))
    return set(re.findall(r'\w+', text)), set(re.findall(r'(?:class|def) (\w+)', text))


def test_every_method_has_its_figure():
    parts = {'flow', 'trackers'}  # no methods of their own
    folders = {file.parent.name for file in ROOT.glob('configs/*/README.md')} - parts
    assert folders == METHODS
    for name in folders:
        assert f'../../docs/en/figures/methods/{name}.svg' in (ROOT / 'configs' / name / 'README.md').read_text(
            encoding='utf-8'
        )


@pytest.mark.parametrize('name', DESCRIPTIONS)
def test_a_figure_is_as_its_description_says(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'misc'))
    import draw_methods

    assert (FIGURES / 'methods' / f'{name}.svg').read_text(encoding='utf-8') == draw_methods.draw(DESCRIPTIONS[name])
    sys.modules.pop('draw_methods')


@pytest.mark.parametrize('name', DESCRIPTIONS)
def test_names_in_figures_are_in_the_code(name, source):
    named = {box[4] for box in DESCRIPTIONS[name]['boxes'].values()} - MMDET - {''}
    assert named <= source[1]


@pytest.mark.parametrize('name', sorted(METHODS))
def test_names_in_equations_are_in_the_code(name, source):
    readme = (ROOT / 'configs' / name / 'README.md').read_text(encoding='utf-8')
    section = readme.split('## Equations')[1].split('\n## ')[0]
    code = {
        part for row in re.findall(r'^\|.*', section, re.M) for one in re.findall(r'`([^`]+)`', row) for part in one.split('.')
    }
    names = {re.split(r'\W', one)[0] for one in code}
    assert names and names <= source[0]
