"""Scripts that the documentation names and no other test runs, on inputs of a second."""

import ast
import importlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from mmvos.datasets.synth import make_demo_clip, write_frames
from mmvos.structures import write_label_map
from tools.analysis_tools import benchmark_metrics, benchmark_objects, click_scores, explain_dyenet

ROOT = Path(__file__).parents[2]


def test_scripts_import_what_the_package_has():
    missing = []
    for file in (*(ROOT / 'tools').rglob('*.py'), *(ROOT / 'demo').glob('*.py'), *(ROOT / 'projects').rglob('*.py')):
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == 'mmvos' and not node.level:
                module = importlib.import_module(node.module)
                missing += [
                    (file.name, node.module, name.name)
                    for name in node.names
                    if name.name != '*' and not found(module, name.name)
                ]
    assert missing == []


def found(module, name):
    """Whether a module has a name, or is a package with a module of that name."""
    return hasattr(module, name) or importlib.util.find_spec(f'{module.__name__}.{name}') is not None


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Folder with ``frames/`` and ``masks/`` of four small frames."""
    folder, made = tmp_path_factory.mktemp('clip'), make_demo_clip((96, 160), 4)
    write_frames(str(folder / 'frames'), made.frames)
    for i, label_map in enumerate(made.label_maps):
        write_label_map(folder / 'masks' / f'{i:05d}.png', label_map)
    return folder


@pytest.mark.parametrize('clicks', [1, 2])
def test_clicks_of_a_picture_are_scored(clip, capsys, clicks):
    click_scores.main(
        [str(clip / 'frames'), str(clip / 'masks'), '--clicks', str(clicks), '--first-frames', '--out', f'{clip}/out.json']
    )
    (row,) = json.loads((clip / 'out.json').read_text())
    assert row['picture'] == '00000' and len(row['clicks']) == clicks
    assert all(0 < value <= 1 for value in (*row['clicks'], row['box']))
    said = capsys.readouterr().out
    assert 'mean of 1 pictures' in said and ('further ones' in said) == (clicks > 1)


def test_time_is_measured_by_number_of_objects(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark_objects, 'in_fresh_process', lambda function, *inputs: function(*inputs))
    options = f'--objects 2 --size 48 80 --frames 1 --warmup 1 --modules --out {tmp_path}'.split()
    benchmark_objects.main(['configs/agss_vos/agss-vos_mini_synthvos.py', *options])
    assert '| 2 |' in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {'objects.md', 'objects.json', 'objects.png'}


def test_a_video_of_dyenet_is_explained(clip, tmp_path, capsys, monkeypatch):
    config, prompt = 'configs/dyenet/dyenet_mini_synthvos.py', str(clip / 'masks' / '00000.png')
    options = ['--prompt', prompt, '--annotations', str(clip / 'masks'), '--out-dir', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', ['explain_dyenet.py', config, 'none', str(clip / 'frames'), *options])
    explain_dyenet.main()
    assert 'round 1:' in capsys.readouterr().out
    (report,) = (json.loads(path.read_text()) for path in tmp_path.glob('*.json'))
    assert report['frames'] == 4 and report['tracklets'] and any(tmp_path.glob('*.png'))


def test_the_speed_of_metrics_is_measured(capsys, monkeypatch):
    options = ['--frames', '3', '--size', '48', '80', '--repeat', '1', '--workers', '1']
    monkeypatch.setattr(sys, 'argv', ['benchmark_metrics.py', *options])
    benchmark_metrics.main()
    printed = capsys.readouterr().out
    assert 'objects5: 3 frames 80x48, 5 object(s)' in printed and '1 process(es):' in printed
