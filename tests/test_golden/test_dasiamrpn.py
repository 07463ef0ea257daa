"""DaSiamRPN against the release: the BIG model. 90 M values are drawn for its weights, hence slow."""

import pytest
from dasiamrpn_golden import Golden, check_anchors, check_network, check_track

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def golden():
    return Golden('dasiamrpn')


def test_network(golden):
    check_network(golden)


@pytest.mark.parametrize(
    'case, frames', [('track', 'frames'), ('track_main', 'frames'), ('small', 'frames_small'), ('border', 'frames_border')]
)
def test_track(golden, case, frames):
    check_track(golden, case, frames)


def test_anchors(golden):
    check_anchors(golden)


def test_every_case_is_tested(golden):
    assert set(golden.cases) == {'network', 'track', 'track_main', 'small', 'border', 'anchors'}
