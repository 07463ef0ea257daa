"""Paths and dotted names that the documentation gives in passing are there (commands: test_commands.py)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'SECURITY.md')),
    *sorted((ROOT / 'docs' / 'en').glob('*.md')),
    *sorted(ROOT.glob('configs/**/README.md')),
]
#: mmdet's and mmtracking's, and one that a reader is to make
OTHERS = {'demo/demo_vis.py', 'tools/model_converters/publish_model.py', 'configs/my_method/my-method_mini_synthvos.py'}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_paths_of_a_page_are_there(page):
    spans = ' '.join(re.findall(r'`[^`\n]+`', page.read_text(encoding='utf-8')))
    paths = {
        path.rstrip('.,') for path in re.findall(r'(?<![\w/.])((?:mmvos|tests|tools|configs|demo|docker)/[\w/.*{},-]+)', spans)
    }
    assert [path for path in sorted(paths - OTHERS) if not list(ROOT.glob(re.sub(r'\{[^}]*\}', '*', path)))] == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_dotted_names_of_a_page_are_there(page):
    names = re.findall(r'`(mmvos(?:\.\w+)+)`', page.read_text(encoding='utf-8'))
    assert [name for name in names if not found(*name.split('.'))] == []


def found(*parts):
    """Whether the last ones of some words are defined in the module or package that the first ones name."""
    place, rest = ROOT, list(parts)
    while rest and (place / rest[0]).is_dir():
        place /= rest.pop(0)
    if rest and (place / f'{rest[0]}.py').is_file():
        place = place / f'{rest.pop(0)}.py'
    files = [place] if place.is_file() else [*place.rglob('*.py'), *place.rglob('*.pyi')]
    text = '\n'.join(file.read_text(encoding='utf-8') for file in files)
    return all(re.search(rf'\b{word}\b', text) for word in rest)
