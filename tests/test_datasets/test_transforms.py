"""Clip sampling, choice of objects, and transforms that change frames, masks and flow together."""

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmvos.datasets.transforms import (
    ClipBroadcaster,
    FlipClip,
    LoadClip,
    PackVOSInputs,
    ProgressiveZoom,
    RandomCropClip,
    RandomCropToObjects,
    RandomResizeClip,
    ResizeClip,
    ReverseClip,
    SampleClip,
    SelectObjects,
    read_flow,
)
from mmvos.structures import InputError
from mmvos.videos import LabelSource


def video(count=20, labelled=None, **more):
    label_maps = {i: np.full((4, 4), i % 3, np.uint8) for i in range(count)}
    frames = [np.full((4, 4, 3), i, np.uint8) for i in range(count)]
    labelled = list(range(count)) if labelled is None else labelled
    return dict(dict(video_id='v', frames=frames, annotations=label_maps, labelled=labelled), **more)


def clips(sampler, item=None, draws=60):
    np.random.seed(0)
    return [sampler(dict(item or video())) for _ in range(draws)]


def test_a_clip_has_one_gap_within_the_range():
    found = [np.diff(c['frame_ids']) for c in clips(SampleClip(4, gap=(2, 4)))]
    assert all(len(set(d)) == 1 for d in found)
    assert {d[0] for d in found} == {2, 3, 4}


def test_per_step_gaps_differ():
    found = [np.diff(c['frame_ids']) for c in clips(SampleClip(4, gap=(1, 4), per_step_gap=True))]
    assert any(len(set(d)) > 1 for d in found)
    assert {int(x) for d in found for x in d} == {1, 2, 3, 4}


def test_gaps_shrink_to_what_the_video_has_but_not_below_the_smallest():
    assert {tuple(c['frame_ids']) for c in clips(SampleClip(4, gap=(1, 9)), video(4))} == {(0, 1, 2, 3)}
    assert SampleClip(4, gap=(2, 3))(video(6)) is None


def test_gaps_count_labelled_frames():
    found = clips(SampleClip(2), video(labelled=[3, 8, 19]))
    assert {tuple(c['frame_ids']) for c in found} == {(3, 8), (8, 19)}


def test_reversal():
    found = [c['frame_ids'][0] > c['frame_ids'][-1] for c in clips(SampleClip(3, reverse_prob=0.5))]
    assert 10 < sum(found) < 50


def test_start_rules():
    assert {c['frame_ids'][0] for c in clips(SampleClip(3, start='first'))} == {0}
    assert {c['frame_ids'][0] for c in clips(SampleClip(5, start='grid'), video(12))} == {0, 5}
    starts = {c['frame_ids'][0] for c in clips(SampleClip(3, start='object', min_object_pixels=15))}
    assert starts and all(s % 3 for s in starts)  # every third frame is empty
    assert SampleClip(3, start='object', min_object_pixels=16)(video()) is None


def test_a_short_video_is_taken_as_a_whole_where_allowed():
    assert {tuple(c['frame_ids']) for c in clips(SampleClip(8, min_len=2), video(5))} == {(0, 1, 2, 3, 4)}
    lengths = {len(c['frame_ids']) for c in clips(SampleClip(8, min_len=2), video(12))}
    assert min(lengths) == 2 and max(lengths) == 8  # the tail of a video may give fewer
    assert SampleClip(8)(video(5)) is None


def test_reference_frame_comes_first_and_shows_the_same_objects():
    sampler = SampleClip(3, min_len=2, reference='random', same_objects=True)
    for clip in clips(sampler):  # frames show nothing, object 1 or object 2 in turn
        shown = {i % 3 for i in clip['frame_ids']}
        assert len(shown) == 1 and 0 not in shown
        assert list(np.diff(clip['frame_ids'][1:])) == [3] * (len(clip['frame_ids']) - 2)
    item = video(object_frames={5: [2, 3, 4, 5], 6: [4, 5]})
    assert {frozenset(c['frame_ids']) for c in clips(SampleClip(2, same_objects=True), item)} == {
        frozenset({2, 3}),
        frozenset({4, 5}),
    }


def clip(*label_maps, flow=False):
    label_maps = [np.asarray(m, np.uint8) for m in label_maps]
    height, width = label_maps[0].shape
    rng = np.random.default_rng(0)
    results = dict(
        video_id='v',
        frame_ids=list(range(len(label_maps))),
        gt_seg_map=label_maps,
        img=[rng.integers(0, 256, (height, width, 3), np.uint8) for _ in label_maps],
    )
    if flow:
        results['flow_bwd'] = [np.tile(np.float32([2, 1]), (height, width, 1)) for _ in label_maps]
    return results


FIRST = np.array([[0, 1, 1, 1, 255], [2, 2, 0, 0, 0], [0, 0, 9, 0, 0]])
SECOND = np.where(FIRST == 0, 4, FIRST)


def test_select_objects_keeps_eligible_ones_and_the_rest_is_background():
    out = SelectObjects(min_pixels=1)(clip(FIRST, SECOND))
    assert out['object_ids'] == [1, 2]
    assert set(np.unique(out['gt_seg_map'])) == {0, 1, 2, 255}
    assert SelectObjects(min_pixels=1, appear_in='any')(clip(FIRST, SECOND))['object_ids'] == [1, 2, 4]
    assert SelectObjects(min_pixels=5)(clip(FIRST)) is None


def test_one_random_object_becomes_object_1():
    np.random.seed(0)
    areas = set()
    for _ in range(40):
        out = SelectObjects(max_objects=1, binary=True, void_to_background=True)(clip(FIRST))
        assert out['object_ids'] == [1] and set(np.unique(out['gt_seg_map'])) == {0, 1}
        areas.add(int(np.sum(out['gt_seg_map'])))
    assert areas == {1, 2, 3}


def test_renumber_and_merge():
    out = SelectObjects(renumber=True)(clip(FIRST))
    assert out['object_ids'] == [1, 2, 3] and out['gt_seg_map'][0][2, 2] == 3
    merged = SelectObjects(merge=True)(clip(FIRST))
    assert merged['object_ids'] == [1] and (merged['gt_seg_map'][0] == 1).sum() == 6


def test_flip_negates_the_horizontal_flow():
    before, out = clip(FIRST, flow=True), FlipClip(prob=1)(clip(FIRST, flow=True))
    np.testing.assert_array_equal(out['gt_seg_map'][0], FIRST[:, ::-1])
    np.testing.assert_array_equal(out['img'][0], before['img'][0][:, ::-1])
    np.testing.assert_array_equal(out['flow_bwd'][0][0, 0], [-2, 1])


def test_resize_scales_flow_with_each_side():
    out = ResizeClip(size=(6, 20))(clip(FIRST, flow=True))
    assert out['img'][0].shape == (6, 20, 3) and out['gt_seg_map'][0].shape == (6, 20)
    np.testing.assert_allclose(out['flow_bwd'][0][3, 9], [8, 2])
    assert set(np.unique(out['gt_seg_map'][0])) == {0, 1, 2, 9, 255}


def test_resize_averages_when_it_reduces():
    stripes = np.zeros((8, 30, 3), np.uint8)
    stripes[:, ::3] = 240
    results = dict(clip(np.zeros((8, 30))), img=[stripes])
    assert np.ptp(ResizeClip(size=(8, 10))(dict(results, img=[stripes]))['img'][0][:, 1:-1]) < 40
    assert ResizeClip(size=(8, 10), backend='cv2')(dict(results, img=[stripes]))['img'][0].max() in (0, 240)


def test_resize_by_short_side_and_ratio():
    assert ResizeClip(short_side=6)(clip(FIRST))['img'][0].shape == (6, 10, 3)
    assert ResizeClip(size=(9, 10), keep_ratio=True)(clip(FIRST))['img'][0].shape == (6, 10, 3)
    np.random.seed(0)
    assert {RandomResizeClip((1.0, 2.0))(clip(FIRST))['img'][0].shape[0] for _ in range(20)} == {3, 6}


def test_crop_is_the_same_in_all_frames():
    np.random.seed(0)
    out = RandomCropClip((2, 3))(clip(FIRST, FIRST))
    np.testing.assert_array_equal(*out['gt_seg_map'])
    assert out['img'][1].shape == (2, 3, 3)
    assert RandomCropClip((6, 6))(clip(FIRST))['img'][0].shape == (6, 6, 3)  # smaller frames are enlarged


def test_crop_to_objects_with_full_share_cuts_to_the_union_box(monkeypatch):
    first, second = np.zeros((20, 30), int), np.zeros((20, 30), int)
    first[5:8, 10:15], second[6:12, 12:20] = 1, 3
    cropper = RandomCropToObjects()
    monkeypatch.setattr(cropper, '_draw', lambda: 1.0)
    out = cropper(clip(first, second))
    # the box with its inclusive end: rows 5..12, columns 10..20, stretched to the frame with aligned corners
    assert out['img'][0].shape == (20, 30, 3)
    rows, columns = (np.rint(np.linspace(0, last, side)).astype(int) for last, side in ((7, 20), (10, 30)))
    expected = first[5:13, 10:21][rows][:, columns]
    assert (out['gt_seg_map'][0] != expected).mean() < 0.02
    assert set(np.unique(out['gt_seg_map'][1])) == {0, 3}
    monkeypatch.setattr(cropper, '_draw', lambda: 0.0)
    np.testing.assert_array_equal(cropper(clip(first))['gt_seg_map'][0], first)


def test_progressive_zoom_grows_with_the_frame(monkeypatch):
    box = np.zeros((40, 40), int)
    box[15:25, 15:25] = 1
    zoom = ProgressiveZoom()
    monkeypatch.setattr(zoom, '_draw', lambda: 1.0)
    out = zoom(clip(box, box, box))
    sides = [np.sqrt((m == 1).sum()) for m in out['gt_seg_map']]
    np.testing.assert_allclose(sides, [10 * 1.1 ** (i + 1) for i in range(3)], atol=1)  # whole pixels
    assert all(f.shape == (40, 40, 3) for f in out['img'])
    with pytest.raises(ValueError, match='cached flow'):
        zoom(clip(box, flow=True))


def test_reverse_clip():
    out = ReverseClip(prob=1)(clip(FIRST, SECOND))
    assert out['frame_ids'] == [1, 0]
    np.testing.assert_array_equal(out['gt_seg_map'][1], FIRST)


def test_broadcaster_shares_the_draw_of_image_transforms_over_frames():
    np.random.seed(0)
    flipped = []
    for _ in range(20):
        results = clip(*[FIRST] * 4)
        out = ClipBroadcaster([dict(type='RandomFlip', prob=0.5), dict(type='Resize', scale=(10, 6))])(results)
        frames = [np.array_equal(m[::2, ::2], FIRST[:, ::-1]) for m in out['gt_seg_map']]
        assert len(set(frames)) == 1
        assert out['img'][0].shape == (6, 10, 3) and out['img_shape'] == (6, 10)
        flipped.append(frames[0])
    assert 0 < sum(flipped) < 20


def test_pack():
    results = dict(clip(FIRST, SECOND, flow=True), img=[np.full((3, 5, 3), v) for v in (-3.0, 300.0)])
    packed = PackVOSInputs(meta_keys=['flip'])(dict(results, flip=True))
    sample = packed['data_samples']
    assert packed['inputs'].shape == (2, 3, 3, 5) and packed['inputs'].dtype == torch.uint8
    assert packed['inputs'][0].max() == 0 and packed['inputs'][1].min() == 255
    assert sample.gt_label_maps.shape == (2, 3, 5) and sample.object_ids == [1, 2, 4, 9]
    assert sample.flow_bwd.shape == (2, 2, 3, 5) and sample.flow_bwd[0, 0, 0, 0] == 2
    assert sample.flip and sample.frame_ids == [0, 1]
    with pytest.raises(ValueError, match='label maps are'):
        PackVOSInputs()(dict(clip(FIRST), img=[np.zeros((4, 5, 3), np.uint8)]))


def test_frames_between_annotations_are_void():
    item = video(3)
    del item['annotations'][1]
    out = LoadClip()(dict(item, frame_ids=[0, 1, 2]))
    assert [int(m[0, 0]) for m in out['gt_seg_map']] == [0, 255, 2]


def test_cached_flow_that_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / 'bomb.npz', np.zeros((512, 512, 2), np.float32))
    monkeypatch.setattr('mmvos.datasets.transforms.clip.MAX_FLOW_BYTES', 2**20)
    with pytest.raises(InputError, match=r'bomb\.npz: cannot be read as optical flow \(\d+ bytes that unpack to 2097\d\d\d'):
        read_flow(str(tmp_path / 'bomb.npz'))


def test_cached_flow_needs_neighbouring_frames(tmp_path):
    flow = np.random.default_rng(0).standard_normal((4, 4, 2)).astype(np.float32)
    np.save(tmp_path / 'f.npy', flow)
    np.savez(tmp_path / 'f.npz', flow)
    header = np.float32(202021.25).tobytes() + np.int32([4, 4]).tobytes()
    (tmp_path / 'f.flo').write_bytes(header + flow.tobytes())
    for name in ('f.npy', 'f.npz', 'f.flo'):
        np.testing.assert_array_equal(read_flow(str(tmp_path / name)), flow)
    (tmp_path / 'g.flo').write_bytes(header + flow.tobytes()[:-4])
    with pytest.raises(ValueError, match=r'g\.flo: the flow file is cut short'):
        read_flow(str(tmp_path / 'g.flo'))
    (tmp_path / 'empty.npy').write_bytes(b'')
    with pytest.raises(ValueError, match=r'empty\.npy: cannot be read as optical flow'):
        read_flow(str(tmp_path / 'empty.npy'))
    (tmp_path / 'half.npz').write_bytes((tmp_path / 'f.npz').read_bytes()[:60])
    with pytest.raises(ValueError, match=r'half\.npz: cannot be read as optical flow'):
        read_flow(str(tmp_path / 'half.npz'))
    item = video(4, flows={i: str(tmp_path / 'f.npy') for i in (1, 2, 3)})
    loaded = LoadClip(with_flow=True)(dict(item, frame_ids=[0, 1]))['flow_bwd']
    assert not loaded[0].any() and np.array_equal(loaded[1], flow)
    with pytest.raises(ValueError, match='neighbouring frames'):
        LoadClip(with_flow=True)(dict(item, frame_ids=[1, 3]))


def test_label_source_merges_masks_and_maps_values(tmp_path):
    from PIL import Image

    top, left = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    top[:2], left[:, :2] = 255, 200
    for name, mask in (('top', top), ('left', left)):
        Image.fromarray(mask).save(tmp_path / f'{name}.png')
    paths = [str(tmp_path / 'top.png'), str(tmp_path / 'left.png')]
    np.testing.assert_array_equal(LabelSource(paths).read(), np.where(left > 0, 2, top // 255))
    np.testing.assert_array_equal(np.asarray(LabelSource(paths, ids=[7, 7])), np.where(left + top > 0, 7, 0))
    np.testing.assert_array_equal(LabelSource(paths[1], threshold=200).read(), np.zeros((4, 4)))
    np.testing.assert_array_equal(LabelSource(paths[1], table={200: 5}).read((4, 4)), np.where(left > 0, 5, 0))
    with pytest.raises(ValueError, match=r'left\.png: the mask is 4x4'):
        LabelSource(paths[1]).read((4, 5))


def test_training_pipeline_of_a_config_runs_on_a_real_layout(davis):
    from mmvos.datasets import DAVIS2017Dataset
    from mmvos.utils import load_config

    cfg = load_config('agame/agame_r101_davis2017_stage1.py')
    steps = cfg.train_dataloader.dataset.pipeline
    steps[0].update(clip_len=4, min_object_pixels=10)
    pipeline = Compose(steps)
    dataset = DAVIS2017Dataset(str(davis))
    dataset.pipeline = pipeline
    packed = dataset[0]
    assert packed['inputs'].shape == (4, 3, 240, 432)
    assert len(packed['data_samples'].object_ids) == 1
