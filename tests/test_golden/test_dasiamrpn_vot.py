"""DaSiamRPN against the release: the VOT model, every case of the file."""

import numpy as np
import pytest
from dasiamrpn_golden import Golden, check_anchors, check_network, check_track


@pytest.fixture(scope='module')
def golden():
    return Golden('dasiamrpn_vot')


def test_network(golden):
    check_network(golden)


def test_track(golden):
    check_track(golden, 'track', 'frames')


def test_anchors(golden):
    check_anchors(golden)


def test_every_case_is_tested(golden):
    assert set(golden.cases) == {'network', 'track', 'anchors'}


def test_targets_of_one_batch_are_independent(golden):
    """Two targets in one pass give what each gives alone: the per-target kernels are not mixed up."""
    tracker, frames = golden.tracker(**golden.cases['track']['cfg']), golden['frames']
    boxes = np.array([[66.25, 52.25, 114.25, 88.25], [20.0, 30.0, 60.0, 55.0]])
    together = tracker.init(frames[0], boxes)
    both, together = tracker.update(frames[1], together)
    for i, box in enumerate(boxes):
        alone, _ = tracker.update(frames[1], tracker.init(frames[0], box[None]))
        np.testing.assert_allclose(both.boxes[i], alone.boxes[0], atol=1e-3)
    assert not np.allclose(both.scores[0], both.scores[1])
