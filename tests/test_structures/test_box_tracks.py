"""Files of box tracks: what is written is read, and anything else is refused by name."""

import copy
import json
import random

import numpy as np
import pytest

from mmvos.structures import BoxTracks, InputError


@pytest.fixture
def path(tmp_path):
    tracks = BoxTracks((24, 40), ['9', '10'], tracker=dict(type='X'))
    tracks.add(3, '9', (1, 2, 5, 8), 0.5, True)
    tracks.add(3, '10', (2, 2, 6, 8), np.nan, False)
    tracks.save(tmp_path / 'v.json')
    return tmp_path / 'v.json'


def test_what_is_written_is_read(path):
    tracks = BoxTracks.load(path)
    assert tracks.size == (24, 40) and tracks.frames == ['9', '10']
    np.testing.assert_array_equal(tracks.boxes([3, 4], '9', (48, 80)), [[2, 4, 10, 16], [np.nan] * 4])
    assert np.isnan(tracks.tracks[3]['10'][4])


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda c: [], 'found list'),
        (lambda c: dict(c, size=[24]), r'size is \[24\]'),
        (lambda c: dict(c, size=[0, 40]), r'size is \[0, 40\]'),
        (lambda c: dict(c, frames=3), 'frames, objects or tracker'),
        (lambda c: dict(c, objects=[]), 'frames, objects or tracker'),
        (lambda c: {key: value for key, value in c.items() if key != 'frames'}, 'of an older version'),
        (lambda c: dict(c, objects={'300': []}), "object '300'; expected a number 1..254"),
        (lambda c: dict(c, objects={'²': []}), 'object .*; expected a number'),
        (lambda c: dict(c, objects={'3': 5}), "object '3'; expected"),
        (lambda c: dict(c, objects={'3': [['9', 1, 2]]}), 'object 3: found a row'),
        (lambda c: dict(c, objects={'3': [['9', 1, 2, 'x', 4, None, True]]}), 'object 3: found a row'),
    ],
)
def test_what_is_none_is_named(path, change, message):
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=f'v.json: .*{message}'):
        BoxTracks.load(path)


def test_five_hundred_mutated_files_are_read_or_refused(path):
    rng, content, junk = random.Random(0), json.loads(path.read_text()), [None, True, 'x', [], {}, -1, 1e300, 10**20]
    refused = 0
    for _ in range(500):
        place = changed = copy.deepcopy(content)
        while True:
            key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
            if not (isinstance(place[key], (dict, list)) and place[key]) or rng.random() < 0.3:
                break
            place = place[key]
        place[key] = copy.deepcopy(rng.choice(junk))
        path.write_text(json.dumps(changed))
        try:
            BoxTracks.load(path)
        except InputError as error:
            refused += 1
            assert str(path) in str(error)
    assert 100 < refused < 500
