"""Box trackers: the common interface, and what each of them is for."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mmvos.models.trackers import (
    CachedBoxes,
    DaSiamRPN,
    FlowBoxTracker,
    FlowColourTracker,
    MaskBoxTracker,
    NoTracker,
    OpenCVTracker,
    TrackingSession,
)
from mmvos.registry import MODELS, TASK_UTILS, TRACKERS
from mmvos.structures import BoxTracks, InputError, box_iou, boxes_of_masks, draw_boxes, tight_box

SMALL_NETWORK = dict(type='SiamRPN', widths=(4, 6, 8, 8, 6), feature_channels=6)
ULTRAFAST = dict(type='DISFlow', preset='ultrafast')


def moving_video(num_frames=8, size=(128, 192)):
    """Two textured blobs on a textured ground, moving (3, 2) and (-2, 0) px a frame; masks ``(T, 2, H, W)``."""
    rng = np.random.RandomState(0)
    height, width = size

    def texture(base, spread):
        noise = cv2.resize(rng.rand(height // 4, width // 4, 3).astype(np.float32), (width, height))
        return base + spread * (noise - 0.5)

    ground = texture(np.array([60, 90, 60]), 60)
    skins = texture(np.array([200, 60, 40]), 80), texture(np.array([40, 60, 200]), 80)
    frames, masks = [], []
    y, x = np.mgrid[:height, :width]
    for t in range(num_frames):
        frame, shown = ground.copy(), []
        for (cx, cy, vx, vy), skin in zip(((50, 40, 3, 2), (140, 90, -2, 0)), skins, strict=True):
            mask = ((x - cx - vx * t) / 18) ** 2 + ((y - cy - vy * t) / 14) ** 2 <= 1
            frame[mask] = np.roll(skin, (vy * t, vx * t), (0, 1))[mask]
            shown.append(mask)
        frames.append(frame.clip(0, 255).astype(np.uint8))
        masks.append(shown)
    return frames, np.array(masks)


FRAMES, MASKS = moving_video()
BOXES = boxes_of_masks(torch.from_numpy(MASKS[0]).float()).numpy()


def truth(frame):
    return boxes_of_masks(torch.from_numpy(MASKS[frame]).float()).numpy()


def tracker_of(name):
    torch.manual_seed(0)
    return {
        'flow_colour': lambda: FlowColourTracker(ULTRAFAST),
        'flow_box': lambda: FlowBoxTracker(ULTRAFAST),
        'mil': lambda: OpenCVTracker('MIL'),
        'dasiamrpn': lambda: DaSiamRPN(SMALL_NETWORK),
    }[name]()


def test_boxes_of_masks_and_maps_are_inverse():
    masks = torch.zeros(3, 20, 30)
    masks[0, 4:9, 6:17] = 1
    masks[1, 19, 29] = 1
    boxes = boxes_of_masks(masks)
    assert boxes.tolist() == [[6, 4, 17, 9], [29, 19, 30, 20], [0, 0, 0, 0]]
    torch.testing.assert_close(draw_boxes(boxes, 20, 30), masks)
    assert [tight_box(mask > 0).tolist() for mask in masks.numpy()] == boxes.tolist()


def test_drawn_box_is_clipped_and_never_vanishes_inside_the_frame():
    maps = draw_boxes(torch.tensor([[-5.0, -5.0, 3.0, 2.0], [4.2, 4.2, 4.3, 4.3], [40.0, 0.0, 50.0, 9.0]]), 10, 12)
    assert maps.flatten(1).sum(1).tolist() == [6, 1, 0]


@pytest.mark.parametrize('name', ['flow_colour', 'flow_box', 'dasiamrpn'])
def test_targets_do_not_depend_on_each_other(name):
    """Several targets at once, one dropped and one added: the same boxes as each target followed alone."""
    tracker = tracker_of(name)
    session = TrackingSession(tracker)
    session.init(FRAMES[0], BOXES, MASKS[0])
    together = [session.update(FRAMES[1])]
    session.add(FRAMES[1], truth(1)[:1], MASKS[1, :1])
    session.drop([0])
    assert len(session.state) == len(session.lost) == 2
    together.append(session.update(FRAMES[2]))

    first, second, late = (TrackingSession(tracker) for _ in range(3))
    first.init(FRAMES[0], BOXES[:1], MASKS[0, :1])
    second.init(FRAMES[0], BOXES[1:], MASKS[0, 1:])
    late.init(FRAMES[1], truth(1)[:1], MASKS[1, :1])
    alone = [first.update(FRAMES[1])[0], second.update(FRAMES[1])[0]]
    np.testing.assert_allclose(together[0][0], np.concatenate(alone), atol=0.05)
    alone = [second.update(FRAMES[2])[0], late.update(FRAMES[2])[0]]
    np.testing.assert_allclose(together[1][0], np.concatenate(alone), atol=0.05)


@pytest.mark.parametrize('name', ['flow_colour', 'flow_box', 'dasiamrpn'])
def test_a_tracker_has_no_state_of_its_own(name):
    tracker = tracker_of(name)

    def follow():
        state, boxes = tracker.init(FRAMES[0], BOXES, MASKS[0]), []
        for frame in FRAMES[1:4]:
            tracks, state = tracker.update(frame, state)
            boxes.append(tracks.boxes)
        return np.array(boxes)

    before = follow()
    tracker.update(FRAMES[5], tracker.init(FRAMES[7], BOXES[::-1], MASKS[7]))
    np.testing.assert_array_equal(follow(), before)


@pytest.mark.parametrize('name, least', [('flow_colour', 0.85), ('flow_box', 0.6)])
def test_follows_moving_objects(name, least):
    session = TrackingSession(tracker_of(name))
    session.init(FRAMES[0], BOXES, MASKS[0])
    overlaps = [box_iou(session.update(FRAMES[t])[0], truth(t)) for t in range(1, len(FRAMES))]
    assert np.mean(overlaps) > least
    assert np.mean(overlaps[-1]) > box_iou(BOXES, truth(len(FRAMES) - 1)).mean() + 0.1  # standing still is worse


def test_opencv_follows_and_can_add_and_drop():
    session = TrackingSession(tracker_of('mil'))
    session.init(FRAMES[0], BOXES[:1])
    session.add(FRAMES[0], BOXES[1:])
    boxes, scores = session.update(FRAMES[1])
    assert box_iou(boxes, truth(1)).min() > 0.4 and np.isnan(scores).all() and not session.lost.any()
    session.drop([0])
    boxes, _ = session.update(FRAMES[2])
    assert box_iou(boxes, truth(2)[1:]).min() > 0.4


def test_flow_colour_starts_from_a_box_alone():
    session = TrackingSession(tracker_of('flow_colour'))
    session.init(FRAMES[0], BOXES)
    for t in range(1, 5):
        boxes, _ = session.update(FRAMES[t])
    assert box_iou(boxes, truth(4)).mean() > 0.8


def test_flow_colour_takes_the_callers_flow():
    """Flow of a wrong direction must show: the given field is used, not an own estimate."""
    tracker = tracker_of('flow_colour')
    state = tracker.init(FRAMES[0], BOXES, MASKS[0])
    flow = torch.zeros(2, *FRAMES[0].shape[:2])
    still, _ = tracker.update(FRAMES[0], state, flow)
    np.testing.assert_allclose(still.boxes, BOXES, atol=2)
    flow[0] = 300.0  # everything comes from outside the frame
    gone, _ = tracker.update(FRAMES[1], state, flow)
    assert not gone.ok.any()
    np.testing.assert_array_equal(gone.boxes, BOXES)


def test_flow_colour_reports_a_vanished_object():
    tracker = tracker_of('flow_colour')
    state = tracker.init(FRAMES[0], BOXES, MASKS[0])
    empty = np.full_like(FRAMES[0], (60, 90, 60))
    tracks, _ = tracker.update(empty, state, torch.zeros(2, *empty.shape[:2]))
    assert not tracks.ok.any() and np.isnan(tracks.scores).all()


def test_no_tracker_finds_nothing():
    tracker = NoTracker()
    state = tracker.init(FRAMES[0], BOXES)
    for frame in FRAMES[1:3]:
        tracks, state = tracker.update(frame, state)
        np.testing.assert_array_equal(tracks.boxes, BOXES)
        assert not tracks.ok.any() and np.isnan(tracks.scores).all()


def test_a_target_without_pixels_is_never_found():
    tracker = tracker_of('flow_colour')
    masks = np.stack([MASKS[0, 0], np.zeros_like(MASKS[0, 0])])
    state = tracker.init(FRAMES[0], np.array([BOXES[0], [0, 0, 0, 0]]), masks)
    tracks, state = tracker.update(FRAMES[1], state)
    assert tracks.ok.tolist() == [True, False]
    assert len(tracker.keep([1], state)) == 1


def test_mask_box_tracker_follows_the_masks():
    tracker = MaskBoxTracker()
    state = tracker.init(FRAMES[0], BOXES)
    tracks, _ = tracker.update(FRAMES[1], state, masks=torch.from_numpy(MASKS[1]).float())
    np.testing.assert_array_equal(tracks.boxes, truth(1))


def test_cached_boxes(tmp_path):
    file = BoxTracks(FRAMES[0].shape[:2], ['a', 'b', 'c', 'd'], tracker=dict(type='FlowBoxTracker'))
    for t in range(4):
        for k, box in enumerate(truth(t)):
            file.add(k + 5, 'abcd'[t], box, np.nan if k else 0.5, t != 2)
    file.save(tmp_path / 'video.json')
    tracker = CachedBoxes(tmp_path / 'video.json')
    state = tracker.init(FRAMES[0], BOXES[::-1])
    for t in range(1, 4):
        tracks, state = tracker.update(FRAMES[t], state)
        np.testing.assert_allclose(tracks.boxes, truth(t)[::-1])
        assert tracks.ok.tolist() == [t != 2] * 2
    tracks, state = tracker.update(FRAMES[4], state)  # after the end of the file
    assert not tracks.ok.any()
    skipping = CachedBoxes(tmp_path / 'video.json', frames=['a', 'd'])  # a session that sees every third frame
    tracks, _ = skipping.update(FRAMES[3], skipping.init(FRAMES[0], BOXES))
    np.testing.assert_allclose(tracks.boxes, truth(3))
    with pytest.raises(ValueError, match="no frame 'e'"):
        CachedBoxes(tmp_path / 'video.json', frames=['a', 'e'])
    with pytest.raises(ValueError, match='no track begins'):
        tracker.init(FRAMES[0], np.array([[0, 0, 5, 5.0]]))


def test_box_tracks_errors(tmp_path):
    with pytest.raises(ValueError, match='missing.json: not found. Expected box tracks'):
        BoxTracks.load(tmp_path / 'missing.json')
    (tmp_path / 'broken.json').write_text('[1, 2]')
    with pytest.raises(ValueError, match='broken.json'):
        BoxTracks.load(tmp_path / 'broken.json')
    (tmp_path / 'old.json').write_text('{"tracker": {}, "size": [8, 8], "objects": {"1": [[0, 1, 1, 2, 2, null, true]]}}')
    with pytest.raises(ValueError, match='old.json: box tracks by position'):
        BoxTracks.load(tmp_path / 'old.json')


def test_trackers_are_found_where_they_were_registered_before():
    @TASK_UTILS.register_module(force=True)
    class HomeMadeTracker(MaskBoxTracker):
        pass

    assert isinstance(TRACKERS.build(dict(type='HomeMadeTracker')), HomeMadeTracker)
    assert TRACKERS.get('NoSuchTracker') is None and MODELS.get('NoSuchTracker') is None
    for registry in (TRACKERS, TASK_UTILS):
        assert isinstance(registry.build(dict(type='FlowBoxTracker', flow=ULTRAFAST)), FlowBoxTracker)
    assert MODELS.get('DaSiamRPN') is TRACKERS.get('mmvos.DaSiamRPN') is DaSiamRPN


@pytest.mark.parametrize('name', ['flow_colour', 'flow_box', 'mil', 'dasiamrpn'])
def test_a_step_can_be_tried_and_then_made(name):
    tracker, plain = tracker_of(name), tracker_of(name)
    state, expected = tracker.init(FRAMES[0], BOXES, MASKS[0]), plain.init(FRAMES[0], BOXES, MASKS[0])
    for frame in FRAMES[1:4]:
        tried, _ = tracker.update(frame.copy(), state)
        tracks, state = tracker.update(frame, state)
        np.testing.assert_array_equal(tried.boxes, tracks.boxes)
        np.testing.assert_array_equal(tried.scores, tracks.scores)
        if name != 'mil':  # it draws random numbers
            wanted, expected = plain.update(frame, expected)
            np.testing.assert_array_equal(tracks.boxes, wanted.boxes)


def test_opencvs_trackers_say_that_they_cannot_go_back():
    tracker = tracker_of('mil')
    state = tracker.init(FRAMES[0], BOXES)
    tracker.update(FRAMES[2], state)
    with pytest.raises(InputError, match='a trial step saw another frame'):
        tracker.update(FRAMES[1], state)


def test_opencv_errors():
    with pytest.raises(ValueError, match='expected one of'):
        OpenCVTracker('NoSuchTracker')
    with pytest.raises(FileNotFoundError, match='vitTracker.onnx'):
        OpenCVTracker('Vit', files='nowhere')
    if not hasattr(cv2, 'TrackerCSRT_create'):
        with pytest.raises(ImportError, match='opencv-contrib-python'):
            OpenCVTracker('CSRT')


def test_wrong_input_is_named():
    tracker = tracker_of('flow_box')
    with pytest.raises(ValueError, match=r'\(N, 4\)'):
        tracker.init(FRAMES[0], np.zeros((2, 5)))
    with pytest.raises(ValueError, match='one per box'):
        tracker.init(FRAMES[0], BOXES, MASKS[0, :1])
    with pytest.raises(RuntimeError, match='call init'):
        TrackingSession(tracker).update(FRAMES[0])


def test_long_term_search_waits_and_looks_further():
    """Above every score: always lost. Below: as without."""
    torch.manual_seed(0)
    plain = DaSiamRPN(SMALL_NETWORK)
    torch.manual_seed(0)
    always_lost = DaSiamRPN(SMALL_NETWORK, long_term=dict(low=1.1, instance_size=335))
    state = always_lost.init(FRAMES[0], BOXES)
    tracks, state = always_lost.update(FRAMES[1], state)
    assert not tracks.ok.any()
    np.testing.assert_allclose(tracks.boxes, BOXES)
    assert always_lost.search_crop(FRAMES[2], state.targets[0]).shape == (335, 335, 3)
    tracks, state = always_lost.update(FRAMES[2], state)
    assert not tracks.ok.any()
    always_lost.long_term = replace(always_lost.long_term, low=0.0, high=0.0)  # found again
    tracks, state = always_lost.update(FRAMES[3], state)
    assert tracks.ok.all() and not np.allclose(tracks.boxes, BOXES)
    expected, _ = plain.update(FRAMES[1], plain.init(FRAMES[0], BOXES))
    found, _ = always_lost.update(FRAMES[1], always_lost.init(FRAMES[0], BOXES))
    np.testing.assert_allclose(found.boxes, expected.boxes)


def test_proposals_of_any_network_are_finite():
    tracker = DaSiamRPN(SMALL_NETWORK)
    target = tracker.init(FRAMES[0], BOXES).targets[0]
    deltas = torch.full((20, 5, 5), 1e6)
    deltas[:, :, 0] *= -1
    for values in tracker.rate_proposals(target, deltas, torch.zeros(10, 5, 5)):
        assert np.isfinite(values).all()


def test_dasiamrpn_keeps_its_weights_to_itself(tmp_path):
    tracker = tracker_of('dasiamrpn')
    assert not tracker.state_dict() and not list(tracker.parameters())
    assert not tracker.train().network.training
    assert tracker.double().network.regression_adjust.weight.dtype == torch.float64
    tracker.float()
    torch.save(dict(state_dict=tracker.network.state_dict()), tmp_path / 'weights.pth')
    other = DaSiamRPN(SMALL_NETWORK, checkpoint=str(tmp_path / 'weights.pth'))
    other.init(FRAMES[0], BOXES)  # read at first use
    torch.testing.assert_close(other.network.state_dict(), tracker.network.state_dict())
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        DaSiamRPN(SMALL_NETWORK, checkpoint='nowhere.pth').init(FRAMES[0], BOXES)
    torch.save(dict(a=torch.zeros(1)), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='other.pth'):
        DaSiamRPN(SMALL_NETWORK, checkpoint=str(tmp_path / 'other.pth')).init(FRAMES[0], BOXES)
