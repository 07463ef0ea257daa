"""Greedy linking and the choice of starting points, against an independent computation on rectangles."""

from collections import Counter

import pytest
import torch
from golden import load_golden

from mmvos.models.segmentors.dyenet import Candidate, _Run, rank_candidates
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
    tracklets = [
        Tracklet(t['id'], t['instance'] - 1, t['similarity'], t['start_frame'], {int(f): box for f, box in t['boxes'].items()})
        for t in DESCRIPTION['tracklets']
    ]
    tubes, decisions = link_tracklets(tracklets[::-1], DESCRIPTION['num_instances'], frame_iou, **case['params'])
    expected = case['expected']
    assert [d.id for d in decisions] == expected['order']
    for decision, wanted in zip(decisions, expected['decisions']):
        assert (decision.decision, decision.frames) == (wanted['decision'], wanted['frames']), decision.id
        assert decision.reason == wanted.get('reason', '')
    for instance, tube in expected['tubes'].items():
        got = {str(f): t.id for f, t in tubes[int(instance) - 1].items()}
        assert dict(sorted(got.items())) == dict(sorted(tube.items()))


def rectangle(box):
    mask = torch.zeros(DESCRIPTION['canvas'], dtype=torch.bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def test_starting_points():
    case = DESCRIPTION['starting_points']
    listed = case['candidates']
    candidates = [Candidate(c['frame'], c['instance'] - 1, c['similarity'], box=torch.tensor(c['box'])) for c in listed]
    ids = {id(c): entry['id'] for c, entry in zip(candidates, listed)}
    ranked = rank_candidates(candidates, case['params']['rho_reid'])
    assert [ids[id(c)] for c in ranked] == case['expected']['order']

    run = _Run.__new__(_Run)
    run.tracklets, run._count, kept = [], Counter(), []
    run.cfg = dict(case['params'], reid_thr=case['params']['rho_reid'], min_area=1, max_tracklets=None).__getitem__
    run.mask = lambda tracklet, frame: tracklet.regions[frame]
    run._mask_of = lambda candidate: rectangle(candidate.box.tolist())

    def propagate(starts):
        for tracklet, mask in starts:
            match = [
                ids[id(c)]
                for c in ranked
                if c.frame == tracklet.start_frame and c.instance == tracklet.instance and c.similarity == tracklet.similarity
            ]
            kept.append(match[0])
            first, last = case['stub_propagation'][str(match[0])]
            tracklet.regions = {frame: mask for frame in range(first, last + 1)}

    run._propagate = propagate
    assert run._grow(ranked) == len(case['expected']['kept'])
    assert kept == case['expected']['kept']
