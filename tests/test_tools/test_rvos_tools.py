"""The split of YouTube-VOS and the table by number of objects."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
sys.path[:0] = [str(TOOLS / 'analysis_tools'), str(TOOLS / 'dataset_converters')]

from scores_by_object_count import by_object_count  # noqa: E402
from split_youtube_vos import split  # noqa: E402

from mmvos.structures import InputError  # noqa: E402


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
