"""Greedy linking and the choice of starting points, against an independent computation on rectangles."""

from types import SimpleNamespace

import pytest
import torch
from golden import load_golden

from mmvos.models.segmentors.dyenet_reid import Proposal, rank_proposals
from mmvos.models.segmentors.dyenet_search import TrackletPool, TrackletSearch
from mmvos.models.segmentors.dyenet_settings import SearchSettings
from mmvos.models.segmentors.dyenet_sweep import Start
from mmvos.models.trackers.tracklets import LinkSettings, Tracklet, link_tracklets

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
    tubes, decisions = link_tracklets(tracklets[::-1], DESCRIPTION['num_instances'], frame_iou, LinkSettings(**case['params']))
    expected = case['expected']
    assert [d.id for d in decisions] == expected['order']
    for decision, wanted in zip(decisions, expected['decisions'], strict=True):
        assert (decision.decision, decision.frames) == (wanted['decision'], wanted['frames']), decision.id
        assert decision.reason == wanted.get('reason', '')
    for instance, tube in expected['tubes'].items():
        got = {str(f): t.id for f, t in tubes[int(instance) - 1].items()}
        assert dict(sorted(got.items())) == dict(sorted(tube.items()))


def rectangle(box):
    mask = torch.zeros(DESCRIPTION['canvas'], dtype=torch.bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


class Rectangles:
    """Stands for the store of masks: a tracklet's region is its box."""

    def iou_with(self, box, mask, area):
        own = rectangle(box)
        return int((own & mask).sum()) / int((own | mask).sum())


class StubSweep:
    """Stands for propagation: a tracklet has its starting box in the frames that the description says."""

    def __init__(self, candidates, frames):
        self.candidates, self.frames, self.started = candidates, frames, []

    def starts(self, tracklets, masks):
        (tracklet,) = tracklets
        # of equal candidates the one with the smaller id is first in the order
        same = [c for c in self.candidates if (c['frame'], c['instance'] - 1, c['similarity']) == origin(tracklet)]
        candidate = next(c for c in same if c['id'] not in self.started)
        self.started.append(candidate['id'])
        tracklet.regions[tracklet.start_frame] = candidate['box']
        return [Start(tracklet, masks[0], torch.tensor(candidate['box']), candidate['id'])]

    def run(self, starts, ended):
        for start in starts:
            if str(start.shares) in self.frames:  # the others are covered by one of the same batch
                first, last = self.frames[str(start.shares)]
                start.tracklet.regions = dict.fromkeys(range(first, last + 1), start.box.tolist())


def origin(tracklet):
    return tracklet.start_frame, tracklet.instance, tracklet.similarity


@pytest.mark.parametrize('batch', [1, 2, 8])
def test_starting_points(batch):
    case = DESCRIPTION['starting_points']
    listed = case['candidates']
    proposals = [
        Proposal(c['frame'], c['instance'] - 1, c['similarity'], number, torch.tensor(c['box']))
        for number, c in enumerate(listed)
    ]
    ids = {number: entry['id'] for number, entry in enumerate(listed)}
    ranked = rank_proposals(proposals, case['params']['rho_reid'])
    assert [ids[p.number] for p in ranked] == case['expected']['order']

    search = TrackletSearch.__new__(TrackletSearch)
    search.settings = SearchSettings(skip_iou=case['params']['skip_iou'], min_area=1, batch=batch)
    search.sweep, search.pool = (
        StubSweep(listed, case['stub_propagation']),
        TrackletPool(Rectangles(), search.settings.skip_iou),
    )
    search.seeds, search.looked_at = [{}, {}], set()
    search.reid = SimpleNamespace(mask_of=lambda proposal: rectangle(proposal.box.tolist()))
    assert search.grow(ranked) == len(case['expected']['kept'])
    kept = [
        next(c['id'] for c in listed if (c['frame'], c['instance'] - 1, c['similarity']) == origin(t))
        for t in search.pool.tracklets
    ]
    assert kept == case['expected']['kept']


HERE, ELSEWHERE, FAR = (0, 0, 10, 10), (40, 0, 50, 10), (80, 0, 90, 10)


def drifting_and_found(similarity=0.8, confident=lambda tracklet, frame: tracklet.similarity):
    """The tracklet of a given mask drifts from frame 3 on; another one, found in frame 5, is on the object there.

    Also one that lies on the other object's given tracklet.
    """
    given = Tracklet(0, 0, 1.0, 0, {f: HERE for f in range(8)})
    found = Tracklet(1, 0, similarity, 5, {f: ELSEWHERE if f >= 3 else HERE for f in range(1, 8)})
    other = Tracklet(2, 1, 1.0, 0, {f: FAR for f in range(8)})
    thief = Tracklet(3, 0, 0.75, 4, {f: FAR for f in range(3, 6)})
    settings = LinkSettings(on_conflict='confidence', confidence_margin=0.05)
    return link_tracklets([found, given, other, thief], 2, frame_iou, settings, confident)


def test_the_more_confident_tracklet_takes_over_where_two_contradict_each_other():
    def drifted(tracklet, frame):  # the given tracklet looks less and less like its object
        return {0: 0.6 if frame >= 3 else 1.0, 1: 0.8, 2: 1.0, 3: 0.95}[tracklet.id]

    tubes, decisions = drifting_and_found(confident=drifted)
    assert [tubes[0][f].id for f in range(8)] == [0, 0, 0, 1, 1, 1, 1, 1]  # corrected from the drift on
    assert [tubes[1][f].id for f in range(8)] == [2] * 8
    found = {d.id: d for d in decisions}
    assert (found[1].decision, found[1].frames) == ('merged', [3, 4, 5, 6, 7])
    assert (found[3].decision, found[3].reason) == ('rejected', 'other_instance')  # however confident it is


def test_a_tracklet_that_is_hardly_more_confident_changes_nothing():
    def alike(tracklet, frame):
        return 0.83 if tracklet.id == 0 and frame >= 3 else 0.87  # less than the margin above it

    tubes, decisions = drifting_and_found(similarity=0.9, confident=alike)
    assert {tube.id for tube in tubes[0].values()} == {0}
    assert next(d for d in decisions if d.id == 1).reason == 'same_instance'
    # without a confidence for each frame, a given mask is never given up
    settings = LinkSettings(on_conflict='confidence')
    given = Tracklet(0, 0, 1.0, 0, dict.fromkeys(range(4), HERE))
    late = Tracklet(1, 0, 0.9, 3, {3: ELSEWHERE, 4: ELSEWHERE})
    (tube,), decisions = link_tracklets([given, late], 1, frame_iou, settings)
    assert decisions[1].decision == 'rejected' and 4 not in tube
