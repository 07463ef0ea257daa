"""Greedy linking and the choice of starting points, against an independent computation on rectangles."""
import pytest
from golden import load_golden

from mmvos.models.trackers.tracklets import Tracklet, link_tracklets

DESCRIPTION, _ = load_golden('tracklet_linking')


def box_iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def frame_iou(a, b, frame):
    return box_iou(a.regions[frame], b.regions[frame])


@pytest.mark.parametrize('case', DESCRIPTION['cases'], ids=lambda c: c['name'])
def test_linking(case):
    tracklets = [Tracklet(t['id'], t['instance'] - 1, t['similarity'], t['start_frame'],
                          {int(f): box for f, box in t['boxes'].items()}) for t in DESCRIPTION['tracklets']]
    tubes, decisions = link_tracklets(tracklets[::-1], DESCRIPTION['num_instances'], frame_iou, **case['params'])
    expected = case['expected']
    assert [d.id for d in decisions] == expected['order']
    for decision, wanted in zip(decisions, expected['decisions']):
        assert (decision.decision, decision.frames) == (wanted['decision'], wanted['frames']), decision.id
        assert decision.reason == wanted.get('reason', '')
    for instance, tube in expected['tubes'].items():
        got = {str(f): t.id for f, t in tubes[int(instance) - 1].items()}
        assert dict(sorted(got.items())) == dict(sorted(tube.items()))
