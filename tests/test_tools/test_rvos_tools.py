"""The split of YouTube-VOS; tables by number of objects, by attribute, and over time."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
sys.path[:0] = [str(TOOLS / 'analysis_tools'), str(TOOLS / 'dataset_converters')]

from scores_by_object_count import by_group, by_object_count
from split_youtube_vos import split

from mmvos.structures import InputError, write_label_map


def test_scores_by_object_count():
    rows = [
        {'video': 'a', 'J-Mean': 0.9, 'F-Mean': 0.8},
        {'video': 'b', 'J-Mean': 0.4, 'F-Mean': 0.5},
        {'video': 'b', 'J-Mean': 0.6, 'F-Mean': None},
        {'video': 'c', 'J-Mean': 0.7, 'F-Mean': 0.2},
    ]
    table = by_object_count(rows)
    assert table.keys() == {1, 2}
    assert table[1] == {'videos': 2, 'objects': 2, 'J-Mean': pytest.approx(0.8), 'F-Mean': pytest.approx(0.5)}
    assert table[2] == {'videos': 1, 'objects': 2, 'J-Mean': pytest.approx(0.5), 'F-Mean': 0.5}


def test_scores_by_attribute(tmp_path):
    rows = [{'video': 'a', 'J-Mean': 0.9}, {'video': 'b', 'J-Mean': 0.4}, {'video': 'b', 'J-Mean': 0.6}, {'video': 'c'}]
    attributes = dict(a=['OCC', 'SV'], b=['SV'])
    table = by_group(rows, attributes, ('J-Mean',))
    assert table['OCC'] == {'videos': 1, 'objects': 1, 'J-Mean': 0.9}
    assert table['SV'] == {'videos': 2, 'objects': 3, 'J-Mean': pytest.approx(1.9 / 3)}
    (tmp_path / 'scores.json').write_text(json.dumps(dict(per_object=rows[:3])))
    (tmp_path / 'attributes.json').write_text(json.dumps(attributes))
    tool = TOOLS / 'analysis_tools/scores_by_object_count.py'
    command = [sys.executable, tool, tmp_path / 'scores.json', '--attributes', tmp_path / 'attributes.json']
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[1].split() == ['OCC', '1', '1', '0.9000', 'nan']


def test_j_over_time(tmp_path, monkeypatch, capsys):
    def shown(*boxes):
        label_map = np.zeros((40, 60), np.uint8)
        for object_id, left, right in boxes:
            label_map[10:20, left:right] = object_id
        return label_map

    truth = [shown((1, 0, 20)), shown((1, 0, 20), (2, 40, 60)), shown((1, 0, 20), (2, 40, 60))]
    found = [shown((1, 0, 20)), shown((1, 0, 10), (2, 40, 60)), shown((2, 40, 60))]  # object 1 shrinks, then is lost
    for folder, maps in (('truth', truth), ('found', found)):
        for t, label_map in enumerate(maps):
            write_label_map(tmp_path / folder / 'v' / f'{t:05d}.png', label_map)
    out = tmp_path / 'j.csv'
    arguments = [tmp_path / 'found', tmp_path / 'truth', '--out', out, '--figure', tmp_path / 'j.png']
    monkeypatch.setattr(sys, 'argv', ['tool', *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOLS / 'analysis_tools/scores_over_time.py'), run_name='__main__')
    assert not ended.value.code and (tmp_path / 'j.png').stat().st_size > 5000
    assert out.read_text().splitlines() == ['frames,objects,J,found', '1,2,0.7500,1.0000', '2,1,0.0000,0.0000']


def test_a_wrong_file_is_named(tmp_path):
    (tmp_path / 'other.json').write_text(json.dumps(dict(J=1)))
    run = subprocess.run(
        [sys.executable, TOOLS / 'analysis_tools/scores_by_object_count.py', tmp_path / 'other.json'],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2 and 'other.json' in run.stderr and 'Traceback' not in run.stderr


def test_the_split_is_complete_and_repeatable():
    videos = [f'{i:03d}' for i in range(50)]
    train, val = split(videos, 0.2, 123)
    assert (train, val) == split(videos[::-1], 0.2, 123) and len(val) == 10
    assert sorted(train + val) == videos and split(videos, 0.2, 1)[1] != val
    with pytest.raises(InputError, match=r'--val-share 0.005 of 50 videos leaves one of the two lists empty'):
        split(videos, 0.005, 1)
