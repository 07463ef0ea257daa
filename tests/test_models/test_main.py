"""MAIN and its parts."""

import threading

import cv2
import numpy as np
import pytest
import torch
from small_main import FLOW, build, small_config

from mmvos.datasets.transforms.instance_attention import LoadBoxTracks, ResizeCropFlip, SampleNeighbourhood, track_video
from mmvos.inference import InferenceSession, VOSSession
from mmvos.models.trackers import BoxTracker, FlowColourTracker, Tracks
from mmvos.registry import MODELS, TRACKERS
from mmvos.structures import BoxTracks, InputError, VOSDataSample, draw_boxes
from mmvos.testing import moving_squares, two_prompts
from mmvos.utils import load_config
from mmvos.videos import FrameArrays


def clip(num_frames=3, size=(64, 96)):
    """A drifting texture with two drifting objects, and the label maps (ids 4 and 9)."""
    rng = np.random.RandomState(0)
    texture = cv2.resize(rng.randint(0, 256, (9, 13, 3), np.uint8), size[::-1])
    frames = [np.roll(texture, 2 * t, 1) for t in range(num_frames)]
    labels = np.zeros((num_frames, *size), np.uint8)
    for t in range(num_frames):
        labels[t, 8:30, 10 + 2 * t : 34 + 2 * t], labels[t, 36:60, 50 + 2 * t : 80 + 2 * t] = 4, 9
    return frames, labels


def training_batch(model, labels=None, num_frames=3, **sample_fields):
    frames, own = clip(num_frames)
    sample = VOSDataSample(metainfo=dict(object_ids=[4, 9], frame_ids=list(range(num_frames))))
    sample.gt_label_maps = torch.from_numpy(own if labels is None else labels)
    for name, value in sample_fields.items():
        setattr(sample, name, value)
    inputs = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    return model.data_preprocessor(dict(inputs=[inputs], data_samples=[sample]), training=True)


# Training


def test_training_cues():
    undistorted = dict(type='ShortTermAttention', kernel=(1, 1), scale=(1.0, 1.0), shift=0.0)
    model = build(instance_shuffle=False, sta=undistorted)
    data = training_batch(model)
    cues = model.prepare_training(**data)
    labels = data['data_samples'][0].gt_label_maps
    torch.testing.assert_close(cues.image[0], data['inputs'][0, 1])
    for slot, object_id in enumerate((4, 9)):
        torch.testing.assert_close(cues.masks[0, slot], (labels[1] == object_id).float())
        torch.testing.assert_close(cues.lta[0, slot], (labels[1] == object_id).float())  # the objects are boxes
        assert any(torch.equal(cues.sta[0, slot], (labels[t] == object_id).float()) for t in range(3))
    assert cues.valid.tolist() == [[True, True, False]]
    assert not cues.lta[0, 2].any() and not cues.sta[0, 2].any()


def test_boxes_of_a_tracker_are_used():
    boxes = torch.full((3, 2, 4), float('nan'))
    boxes[1, 0] = torch.tensor([1.0, 2.0, 11.0, 7.0])
    model = build(instance_shuffle=False)
    cues = model.prepare_training(**training_batch(model, track_boxes=boxes))
    assert cues.lta[0].flatten(1).sum(1).tolist() == [50, 0, 0]
    assert cues.valid.tolist() == [[True, True, False]]  # the second is visible, though its tracker has no box


def test_flow_is_backward_or_forward():
    """A texture that moves 2 px right: where the content was is -2, where it goes is +2."""
    model = build(instance_shuffle=False)
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        seen.add(round(float(model.prepare_training(**training_batch(model)).flow[0, 0].median())))
    assert seen == {-2, 2}


def test_a_repeated_frame_is_no_neighbour():
    model = build(instance_shuffle=False)
    data = training_batch(model)
    data['data_samples'][0].set_metainfo(dict(frame_ids=[0, 0, 1]))
    flows = [model.prepare_training(**data).flow[0, 0].median() for _ in range(6)]
    assert all(round(float(f)) == 2 for f in flows)  # only the forward flow exists


def test_an_object_that_is_gone_is_still_asked_for():
    _, labels = clip()
    labels[1:][labels[1:] == 4] = 0
    model = build(instance_shuffle=False)
    cues = model.prepare_training(**training_batch(model, labels))
    assert cues.valid.tolist() == [[True, True, False]] and not cues.masks[0, 0].any()


def test_more_objects_than_slots():
    model = build(num_slots=1)
    shown = {float(model.prepare_training(**training_batch(model)).masks.sum()) for _ in range(20)}
    assert shown == {22 * 24, 24 * 30}


SWITCHES = {
    'plain decoder': dict(neck=dict(small_config()['neck'], separable=False, dilations=(1, 1, 1))),
    'bce': dict(loss_mask=dict(type='InstanceBCELoss')),
    'dice': dict(loss_mask=dict(type='WIDLoss', use_alpha=False, overlap_weight=0.0)),
    'no attention': dict(lta=None, sta=None, flow_input=None, instance_shuffle=False),
    'sta, rgb': dict(lta=None, flow_input=None),
    'lta, rgb': dict(sta=None, flow_input=None, flow_estimator=None),
    'raw flow': dict(flow_input=dict(type='RawFlow')),
    'single instance': dict(num_slots=1),
}


@pytest.mark.parametrize('switch', SWITCHES)
def test_ablations_train_and_run(switch):
    model = build(**SWITCHES[switch]).train()
    losses = model(**training_batch(model), mode='loss')
    sum(v for k, v in losses.items() if k.startswith('loss')).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    frames, labels = clip()
    session = InferenceSession(model)
    session.step(frames[0], labels[0])
    assert set(np.unique(session.step(frames[1]).pred_label_map)) <= {0, 4, 9}


# Inference


def test_the_tracker_sees_a_frame_before_the_network_does():
    model = build()
    frames, labels = clip()
    session = InferenceSession(model)
    session.step(frames[0], labels[0])
    seen = {}
    model.backbone.register_forward_pre_hook(lambda _, args: seen.update(stack=args[0]))
    session.step(frames[1])
    boxes = session.state.tracks.boxes
    torch.testing.assert_close(seen['stack'][0, 6:8], draw_boxes(torch.from_numpy(boxes).float(), 64, 96))
    assert (boxes[:, 0] > [10.5, 50.5]).all()  # moved with the objects, by 2


def test_groups_are_single_passes_of_one_slot_each():
    """Five objects in groups of two: the same as the joint forward pass of every group alone."""
    model = build(num_slots=2)
    frames, _ = clip(2)
    prompt = np.zeros((64, 96), np.uint8)
    for k in range(5):
        prompt[10:50, 2 + 18 * k : 14 + 18 * k] = k + 1
    calls = []
    model.backbone.register_forward_pre_hook(lambda _, args: calls.append(tuple(args[0].shape)))
    session = InferenceSession(model)
    session.step(frames[0], prompt)
    session.step(frames[1])
    assert calls == [(3, 10, 64, 96)]


def test_an_objects_slot_is_its_own():
    model = build()
    frames, labels = clip(5)
    session = InferenceSession(model)
    session.step(frames[0], np.where(labels[0] == 4, labels[0], 0))
    session.step(frames[1], np.where(labels[1] == 9, labels[1], 0))
    assert session.state.slots.slots == (0, 1)
    session.remove_objects([4])
    session.step(frames[2])
    assert session.state.slots.slots == (1,)
    late = np.zeros_like(labels[0])
    late[2:12, 2:12] = 77
    session.step(frames[3], late)
    assert session.object_ids == [9, 77] and session.state.slots.slots == (1, 0)
    assert set(np.unique(session.step(frames[4]).pred_label_map)) <= {0, 9, 77}


def test_a_new_prompt_takes_its_pixels_from_old_masks():
    model = build()
    frames, labels = clip(2)
    session = InferenceSession(model)
    session.step(frames[0], np.where(labels[0] == 4, labels[0], 0))
    session.step(frames[1], np.full_like(labels[0], 9))
    assert not session.state.masks[0].any() and session.state.masks[1].all()


def test_an_object_too_small_for_the_network_does_no_harm():
    model = build(test_cfg=dict(resize=dict(type='FixedSize', height=32, width=32)))
    frames, labels = clip(3)
    prompt = np.where(labels[0] == 4, labels[0], 0)
    prompt[63, 95] = 200
    session = InferenceSession(model)
    session.step(frames[0], prompt)
    for frame in frames[1:]:
        session.step(frame)
    assert session.object_ids == [4, 200]


def test_configuration_errors():
    with pytest.raises(ValueError, match='needs a tracker'):
        MODELS.build(small_config(tracker=None))
    with pytest.raises(ValueError, match='need a flow_estimator'):
        MODELS.build(small_config(flow_estimator=None))


# Training data


def video(num_frames=6):
    frames, labels = clip(num_frames)
    return dict(video_id='v', frames=frames, annotations=dict(enumerate(labels)), labelled=list(range(num_frames)))


def test_neighbourhood_of_annotated_frames():
    info = video(9)
    info['labelled'] = [0, 2, 4, 6, 8]
    drawn = {tuple(SampleNeighbourhood()(dict(info))['frame_ids']) for _ in range(100)}
    assert drawn == {(0, 0, 2), (0, 2, 4), (2, 4, 6), (4, 6, 8), (6, 8, 8)}
    early = {tuple(SampleNeighbourhood(max_frames=2, skip_first=True)(dict(info))['frame_ids']) for _ in range(20)}
    assert early == {(0, 2, 4)}


def test_frames_count_from_the_first_object():
    info = video()
    for index in (0, 1):
        info['annotations'][index] = np.zeros((64, 96), np.uint8)
    results = SampleNeighbourhood(max_frames=1)(dict(info))
    assert results['frame_ids'] == [2, 2, 3] and results['first_frame'] == 2


def test_resize_crop_flip_moves_boxes_masks_and_flow_together():
    for seed in range(10):
        np.random.seed(seed)
        frames, labels = clip(1)
        boxes = np.array([[10, 8, 34, 30], [50, 36, 80, 60], [np.nan] * 4], np.float32)
        flow = np.ones((64, 96, 2), np.float32)
        out = ResizeCropFlip((32, 48), (1.0, 2.0), 0.5)(
            dict(img=frames, gt_seg_map=list(labels), track_boxes=[boxes], flow_bwd=[flow])
        )
        assert out['img'][0].shape == (32, 48, 3) and out['gt_seg_map'][0].shape == (32, 48)
        for box, object_id in zip(out['track_boxes'][0][:2], (4, 9), strict=True):
            ys, xs = np.nonzero(out['gt_seg_map'][0] == object_id)
            if len(xs) > 4:
                np.testing.assert_allclose(box, (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), atol=1.01)
        assert np.isnan(out['track_boxes'][0][2]).all()
        assert 0.5 - 1e-5 <= abs(out['flow_bwd'][0][0, 0, 0]) <= 1 + 0.05 and out['flow_bwd'][0][0, 0, 1] > 0


def test_tracks_of_a_video_begin_with_each_object(tmp_path):
    frames, labels = clip(4)
    labels[:2][labels[:2] == 9] = 0
    names = ['00000', '00005', '00010', '00015']
    tracks = track_video(FlowColourTracker(FLOW), names, frames, labels, dict(type='FlowColourTracker'))
    tracks.save(tmp_path / 'v.json')
    tracks = BoxTracks.load(tmp_path / 'v.json')
    assert list(tracks.tracks[4]) == tracks.frames == names and list(tracks.tracks[9]) == names[2:]
    assert tracks.tracks[9]['00010'][:4] == (54, 36, 84, 60)


def test_a_clip_gets_the_boxes_of_its_own_frames_or_none_at_all(tmp_path):
    """The tracker ran over every frame, the data set holds every fifth: boxes go by the names of frames."""
    every = [f'{i:05d}' for i in range(11)]
    tracks = BoxTracks((64, 96), every)
    for i, name in enumerate(every):
        tracks.add(4, name, (10 + i, 8, 30 + i, 28), 1.0, True)
    tracks.save(tmp_path / 'v.json')
    label_map = np.full((64, 96), 4, np.uint8)
    clip_of = dict(
        video_id='v', frames=['v/00000.jpg', 'v/00005.jpg', 'v/00010.jpg'], frame_ids=[0, 1, 2], img_shape=(128, 192)
    )
    out = LoadBoxTracks(str(tmp_path))(dict(clip_of, gt_seg_map=[label_map] * 3))
    assert [box[0].tolist() for box in out['track_boxes']] == [[2 * (10 + i), 16, 2 * (30 + i), 56] for i in (0, 5, 10)]
    short = BoxTracks((64, 96), every[:8], {4: {name: tracks.tracks[4][name] for name in every[:8]}})
    short.save(tmp_path / 'v.json')
    with pytest.raises(InputError, match=r"v\.json: the tracks do not cover frame '00010'.*8 frames, '00000' to '00007'"):
        LoadBoxTracks(str(tmp_path))(dict(clip_of, gt_seg_map=[label_map] * 3))


@TRACKERS.register_module(force=True)
class WatchingTracker(BoxTracker):
    """Follows its first box by 4 pixels a frame, and writes down what it is shown."""

    def __init__(self):
        self.shown = []

    def _start(self, frame, boxes, masks):
        self.shown.append((frame, boxes, masks))
        return list(boxes)

    def _follow(self, frame, targets, state, flow_bwd, masks):
        self.shown.append((frame, tuple(flow_bwd.shape)))
        moved = [box + (4, 0, 4, 0) for box in targets]
        return Tracks(np.stack(moved), np.full(len(moved), np.nan), np.ones(len(moved), bool)), moved


def test_the_tracker_sees_the_frames_of_the_video_and_the_network_its_boxes():
    """Frames of 64 x 96 are squashed to 96 x 48 and padded to 96 x 64: the tracker knows nothing of it."""
    settings = dict(
        resize=dict(type='FixedSize', height=96, width=48), pad=dict(type='PadToMultiple', divisor=32, front='ceil')
    )
    model = build(tracker=dict(type='WatchingTracker'), test_cfg=settings)
    maps, draw = [], model.lta.forward
    model.lta.forward = lambda tracks, sta: maps.append(draw(tracks, sta)) or maps[-1]
    frames, labels = clip()
    label_map = np.where(labels[0] == 4, labels[0], 0).astype(np.uint8)
    list(VOSSession(model).run(FrameArrays(frames, prompts={0: label_map})))
    start, *steps = model.tracker.shown
    assert start[0] is frames[0] and start[1].tolist() == [[10, 8, 34, 30]]
    np.testing.assert_array_equal(start[2][0], label_map == 4)
    for step, frame in zip(steps, frames[1:], strict=True):
        assert step[0] is frame and step[1] == (2, 96, 48)  # flow of the picture, without the padding
    (last,) = maps[-1]
    # box (18, 8, 42, 30) of the video: half as wide, one and a half times as high, 8 columns of padding before it
    expected = torch.zeros(96, 64)
    expected[12:45, 8 + 9 : 8 + 21] = 1
    torch.testing.assert_close(last, expected)


def test_a_trial_step_with_a_tracker_that_cannot_be_copied():
    cfg = load_config('main/main_mini_synthvos.py')
    cfg.model.tracker = dict(type='OpenCVTracker', name='MIL')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    images, label_maps = moving_squares(4)
    session, prompts = VOSSession(model), two_prompts(label_maps)
    for t, image in enumerate(images):
        tried = session.peek(image.copy()).pred_label_map if t > 0 else None
        made = session.step(image, prompts.get(t)).pred_label_map
        if t in (1, 3):  # without a prompt
            np.testing.assert_array_equal(tried, made)


def test_flow_is_estimated_once_a_frame_and_ahead_of_the_network(monkeypatch):
    model = build()
    frames, label_maps = clip(5)
    here = VOSSession(model)
    expected = [here.step(frame, label_maps[0] if t == 0 else None).pred_label_map for t, frame in enumerate(frames)]
    threads, of_flow = [], model.flow_estimator.estimate
    monkeypatch.setattr(model.flow_estimator, 'estimate', lambda *f: threads.append(threading.get_ident()) or of_flow(*f))
    found = [r.pred_label_map for r in VOSSession(model).run(FrameArrays(frames, prompts={0: label_maps[0]}))]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert len(threads) == 4 and threading.get_ident() not in threads
