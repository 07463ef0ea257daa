"""SynthVOS: what the engine promises, sources from folders, the data set, samplers."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.runner import Runner
from small_synth import SIZE, dataset

from mmvos.datasets import FolderDataset
from mmvos.datasets.samplers import BalancedSampler, EndlessSampler
from mmvos.datasets.synth import (
    ProceduralBackgrounds,
    ProceduralObjects,
    SynthEngine,
    SynthSettings,
    disturb,
    make_demo_clip,
    with_prompts,
    write_davis,
    write_synthvis,
)
from mmvos.datasets.synth.turn import Turn
from mmvos.structures import InputError
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils import load_config

CLEAN = dict(noise=0, jpeg_quality=None, blur=0, lighting=0, shadow_prob=0, soft_edge_prob=1)


def engine(**settings):
    return SynthEngine(ProceduralObjects(size=64), ProceduralBackgrounds(), SynthSettings(size=SIZE, **settings))


def clip(seed=0, frames=4, options=(), **settings):
    return engine(**settings).render(np.random.default_rng(seed), frames, **dict(options))


def test_the_same_seed_gives_the_same_clip():
    first, again, other = clip(3), clip(3), clip(4)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.label_maps, again.label_maps)
    assert not np.array_equal(first.frames, other.frames)


def reference_clips():
    """Clips that exercise every part of the engine, made small: means of 8x8 blocks of frames, labels and flow."""
    kinds = [
        dict(num_objects=(3, 4), cross_prob=1.0, late_prob=0.5, leave_prob=0.5, noise=0.0, jpeg_quality=None),
        dict(soft_edge_prob=0.0, shadow_prob=1.0, blur=1.0, noise=20.0, distractor_prob=1.0),
    ]
    for kind, settings in enumerate(kinds):
        made = engine(**settings).render(np.random.default_rng((kind, 1)), 5, with_flow=True)
        for name in ('frames', 'label_maps', 'flow_bwd'):
            values = np.asarray(getattr(made, name), np.float32).reshape(5, SIZE[0] // 8, 8, SIZE[1] // 8, 8, -1)
            yield f'{kind}_{name}', values.mean((2, 4))


def test_a_seed_gives_the_clips_that_earlier_versions_made():
    with np.load(Path(__file__).parents[1] / 'data' / 'synth_clips.npz') as stored:
        for name, values in reference_clips():
            tolerance = dict(frames=1.0, label_maps=0.1, flow_bwd=0.1)[name.split('_', 1)[1]]
            np.testing.assert_allclose(values, stored[name], atol=tolerance, err_msg=name)


def test_number_and_visibility_of_objects_in_the_first_frame():
    for seed in range(6):
        made = clip(seed, 2, num_objects=(2, 4), late_prob=0, cross_prob=1, min_visible=0.01)
        areas = np.bincount(made.label_maps[0].ravel(), minlength=256)
        assert 2 <= len(made.categories) <= 4
        assert set(np.flatnonzero(areas)) == {0, *made.categories}
        assert min(areas[i] for i in made.categories) >= 0.01 * SIZE[0] * SIZE[1]


def test_a_late_object_is_outside_until_it_enters_and_then_comes_in():
    made = clip(1, 16, dict(late=[None, 5], num_objects=2))
    seen = [2 in m for m in made.label_maps]
    assert not any(seen[:5]) and any(seen[5:12])


# of an object that turns, what comes into view was nowhere before
@pytest.mark.parametrize('turning, largest', [({}, 6), (dict(turn_prob=1.0, turn=12.0), 11)])
def test_backward_flow_leads_to_where_the_pixel_came_from(turning, largest):
    made = clip(2, 3, dict(with_flow=True, late=[None] * 3, num_objects=3), **CLEAN, **turning)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    for t in (1, 2):
        before_x, before_y = x + made.flow_bwd[t][..., 0], y + made.flow_bwd[t][..., 1]
        warped = cv2.remap(made.frames[t - 1], before_x, before_y, cv2.INTER_LINEAR)
        labels = cv2.remap(made.label_maps[t - 1], before_x, before_y, cv2.INTER_NEAREST)
        seen = (before_x > 1) & (before_x < SIZE[1] - 2) & (before_y > 1) & (before_y < SIZE[0] - 2)
        seen &= cv2.erode((labels == made.label_maps[t]).astype(np.uint8), np.ones((5, 5))) > 0
        for region in (made.label_maps[t] > 0, made.label_maps[t] == 0):
            error = np.abs(warped.astype(int) - made.frames[t])[seen & region].mean()
            moved = np.abs(made.frames[t - 1].astype(int) - made.frames[t])[seen & region].mean()
            assert error < 0.25 * moved and error < largest
    assert not made.flow_bwd[0].any()


def test_objects_that_turn_show_new_parts_within_the_same_outline():
    image = np.zeros((20, 40, 4), np.uint8)
    image[:, 4:36] = 255
    image[:, 4:20, 2] = 0  # the left half is cyan, the right one white
    quarter, half = np.pi / 2, np.pi
    turn = Turn.of(image, np.array([0, quarter, half]), np.array([0.5, 0.5, 0.5]))
    places = np.stack(np.meshgrid(np.arange(40) - 19.5, np.arange(20) - 9.5), -1).astype(np.float32)
    shown = [turn.coloured(image, places, t) for t in range(3)]
    for picture in shown:
        np.testing.assert_array_equal(picture[..., 3], image[..., 3])
        assert (picture[..., :3] <= picture[..., 3:]).all()
    np.testing.assert_allclose(shown[0][:, 6:34], image[:, 6:34], atol=1)
    # a quarter to the right: the left half of the front is all of the right, the left of the picture is the back
    assert (shown[1][10, 25:34] == (255, 255, 0, 255)).all() and shown[1][10, 6:15, 0].max() < 140
    # a half: the back, mirrored and half as bright
    np.testing.assert_allclose(shown[2][10, 6:18, :3], 127, atol=2)
    np.testing.assert_allclose(shown[2][10, 22:34, :3], [(127, 127, 0)] * 12, atol=2)


def test_a_turn_changes_colours_and_no_label():
    still = clip(5, 4, dict(num_objects=1), **CLEAN)
    turning = clip(5, 4, dict(num_objects=1), **CLEAN, turn_prob=1.0)
    np.testing.assert_array_equal(still.label_maps, turning.label_maps)
    inside = cv2.erode(still.label_maps[3], np.ones((3, 3))) > 0
    assert np.abs(still.frames[3].astype(int) - turning.frames[3])[inside].mean() > 10


def test_label_maps_follow_the_depth_order_and_the_pixels():
    """Plain objects on a plain background: every pixel's colour tells which object must be labelled."""

    class Plain:
        classes = ['plain']
        colours = ((255, 0, 0), (0, 255, 0), (0, 0, 255))

        def sample(self, rng):
            from mmvos.datasets.synth import Cutout

            self.colours = self.colours[1:] + self.colours[:1]
            image = np.full((40, 40, 4), 255, np.uint8)
            image[..., :3] = self.colours[-1]
            return Cutout(image, 'plain', 'plain')

    class Grey:
        def sample(self, rng, height, width):
            return np.full((height, width, 3), 128, np.uint8)

    settings = SynthSettings(size=SIZE, num_objects=(3, 3), distractor_prob=0, cross_prob=1, late_prob=0, **CLEAN)
    made = SynthEngine(Plain(), Grey(), settings).render(np.random.default_rng(0), 5)
    table = np.array([(128, 128, 128), *Plain.colours])
    for frame, label_map in zip(made.frames, made.label_maps, strict=True):
        expected = np.abs(frame[:, :, None].astype(int) - table).sum(-1).argmin(-1)
        edge = cv2.morphologyEx(label_map, cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
        assert (expected == label_map)[~edge].all()


@pytest.mark.parametrize(
    'option, value', [('noise', 20.0), ('jpeg_quality', (5, 5)), ('blur', 1.0), ('lighting', 0.6), ('shadow_prob', 1.0)]
)
def test_every_effect_changes_pixels_and_no_label(option, value):
    plain, effect = clip(5, 3, **CLEAN), clip(5, 3, **dict(CLEAN, **{option: value}))
    np.testing.assert_array_equal(plain.label_maps[0], effect.label_maps[0])
    assert not np.array_equal(plain.frames, effect.frames)


def test_distractors_are_copies_with_an_id_of_their_own():
    made = clip(0, 1, num_objects=(5, 5), distractor_prob=1.0)
    assert len(set(made.categories.values())) == 1 and len(made.categories) == 5


def test_prompts_introduce_an_object_once_where_it_is_large_enough():
    small, large = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    small[0, 0], large[:5, :5] = 2, 2
    small[5:, 5:] = large[5:, 5:] = 1
    annotations, prompts = with_prompts([small, large, large], 0.05)
    assert {i: set(np.unique(p)) - {0} for i, p in prompts.items()} == {0: {1}, 1: {2}}
    assert set(np.unique(annotations[0])) == {0, 1} and set(np.unique(annotations[2])) == {0, 1, 2}


def test_settings_of_clips_are_checked():
    with pytest.raises(InputError, match=r"SynthVOSDataset\.settings: unknown setting 'shadow'; did you mean 'shadow_prob'"):
        dataset(settings=dict(shadow=1.0))
    with pytest.raises(InputError, match=r'object_scale is \(0\.6, 0\.2\)'):
        dataset(settings=dict(object_scale=(0.6, 0.2)))
    with pytest.raises(InputError, match=r'late_prob is 2\.0; expected a probability'):
        dataset(settings=dict(late_prob=2.0))


def test_clips_for_training_are_numbered_and_reproducible():
    pipeline = [
        dict(type='SampleClip', clip_len=3),
        dict(type='LoadClip', with_flow=True),
        dict(type='SelectObjects'),
        dict(type='PackVOSInputs'),
    ]
    made = dataset(pipeline=pipeline, with_flow=True)
    np.random.seed(0)
    first = made[2]
    np.random.seed(0)
    again = dataset(pipeline=pipeline, with_flow=True)[2]
    assert first['inputs'].shape == (3, 3, *SIZE) and first['data_samples'].flow_bwd.shape == (3, 2, *SIZE)
    assert (first['inputs'] == again['inputs']).all() and (first['inputs'] != made[3]['inputs']).any()
    assert (dataset(seed=1).get_data_info(2)['frames'][0] != dataset().get_data_info(2)['frames'][0]).any()


def test_fixed_videos_have_prompts_and_late_objects():
    fixed = dataset(test_mode=True, late_videos=2, num_frames=12, pipeline=[dict(type='PackVideo')])
    videos = [fixed[i]['inputs'] for i in range(6)]
    assert [len(v.metainfo['categories']) for v in videos] == [1, 2, 1, 2, 2, 2]
    assert [max(v.prompts) > 0 for v in videos] == [False] * 4 + [True] * 2
    late = videos[-1]
    start = max(late.prompts)
    assert set(np.unique(late.prompts[start])) == {0, 2}
    assert all(2 not in late.metainfo['annotations'][i] for i in range(start))
    assert fixed.video_lengths() == [12] * 6


def test_mini_config_gives_batches_and_videos_without_files():
    cfg = load_config('_base_/datasets/synthvos_mini.py')
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    assert [tuple(clip.shape) for clip in batch['inputs']] == [(4, 3, 96, 160)] * 4
    assert all(sample.object_ids for sample in batch['data_samples'])
    videos = [batch['inputs'][0] for batch in Runner.build_dataloader(cfg.val_dataloader)]
    assert len({v.video_id for v in videos}) == 8
    assert [v.video_id for v in videos if max(v.prompts)] == ['synth_00007']
    assert videos[7].metainfo['prompt_frames'][2] == max(videos[7].prompts)


def test_written_sequence_reads_back(tmp_path):
    made = clip(1, 9, dict(late=[None, 2], num_objects=2), leave_prob=0)
    write_davis(str(tmp_path), 'one', made)
    read = FolderDataset(
        str(tmp_path),
        ann_file='ImageSets/2017/val.txt',
        prompt='appear',
        test_mode=True,
        data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'),
        pipeline=[dict(type='PackVideo')],
    )[0]['inputs']
    first_seen = {i: next(t for t, m in enumerate(made.label_maps) if i in m) for i in (1, 2)}
    assert read.metainfo['prompt_frames'] == first_seen
    assert np.abs(read.read(4).astype(int) - made.frames[4]).mean() < 12  # JPEG


def test_demo_clip_has_four_objects_the_last_one_late():
    made = make_demo_clip(size=(96, 170), num_frames=24)
    areas = np.array([[(m == i).sum() for i in range(1, 5)] for m in made.label_maps])
    assert (areas[0, :3] > 0.01 * 96 * 170).all() and areas[0, 3] == 0 and areas[-1, 3] > 0
    assert len(made.categories) == 4


def test_disturbed_frames_follow_clear_ones_and_keep_their_annotation(tmp_path):
    made = clip(5, frames=30, num_objects=(2, 2), late_prob=0)
    frames, kinds = disturb(np.random.default_rng(1), made.frames, made.label_maps, 1.0)
    assert sorted(kinds) == list(range(1, 30, 2)) and set(kinds.values()) == {'blur', 'dark', 'covered'}
    for t, (before, after, labels) in enumerate(zip(made.frames, frames, made.label_maps, strict=True)):
        if t not in kinds:
            np.testing.assert_array_equal(before, after)
        elif kinds[t] == 'dark':
            assert after.mean() < 0.15 * before.mean()
        elif kinds[t] == 'blur':
            edges = [np.abs(np.diff(frame.astype(float), axis=1)).mean() for frame in (before, after)]
            assert edges[1] < 0.6 * edges[0]
        else:  # most of each object is hidden, by columns of one colour
            changed = (before != after).any(2)
            assert changed[labels > 0].mean() > 0.4
            assert np.unique(after[:, changed.mean(0) > 0.9].reshape(-1, 3), axis=0).shape[0] <= 2
    assert disturb(np.random.default_rng(1), made.frames, made.label_maps, 0.0) == (made.frames, {})
    paths = [write_synthvis(str(tmp_path / f'{p}'), 'train', engine(), 2, 5, seed=7, disturbed=p) for p in (0.0, 0.8)]
    assert Path(paths[0]).read_text() == Path(paths[1]).read_text()
    pictures = [cv2.imread(str(Path(path).parent / 'train/JPEGImages/synth_00000/00000.jpg')) for path in paths]
    np.testing.assert_array_equal(*pictures)


def test_synthvis_annotations_are_those_of_the_clips(tmp_path):
    maker = engine(num_objects=(2, 2))
    path = write_synthvis(str(tmp_path), 'train', maker, 2, 3, seed=7)
    data = load_youtube_vis(path)
    assert [c['name'] for c in data['categories']] == maker.objects.classes
    import pycocotools.mask as rle

    for number, video in enumerate(data['videos']):
        made = maker.render(np.random.default_rng((7, number)), 3)
        tracks = [a for a in data['annotations'] if a['video_id'] == video['id']]
        assert [data['categories'][a['category_id'] - 1]['name'] for a in tracks] == list(made.categories.values())
        for t in range(3):
            masks = [rle.decode(a['segmentations'][t]) if a['segmentations'][t] else 0 * made.label_maps[t] for a in tracks]
            np.testing.assert_array_equal(sum(m * i for i, m in enumerate(masks, 1)), made.label_maps[t])
        assert all((tmp_path / 'train/JPEGImages' / name).is_file() for name in video['file_names'])


# samplers


@pytest.fixture
def rank(monkeypatch):
    def become(number, world_size):
        monkeypatch.setattr('mmvos.datasets.samplers.video_samplers.get_dist_info', lambda: (number, world_size))

    return become


def test_endless_sampler_shares_and_skips(rank):
    rank(1, 3)
    sampler = EndlessSampler(range(100), seed=0)
    assert list(itertools.islice(sampler, 4)) == [1, 4, 7, 10]
    resumed = EndlessSampler(range(100), seed=0)
    resumed.skip(4)
    assert next(iter(resumed)) == 13
    assert list(itertools.islice(EndlessSampler(range(10), seed=0), 4)) == [1, 4, 7, 0]


def test_balanced_sampler_draws_parts_alike(rank):
    class Parts(list):
        cumulative_sizes = [10, 1000]

    parts = Parts(range(1000))
    drawn = [sum(i < 10 for i in BalancedSampler(parts, 200, replacement=True, seed=s)) for s in range(5)]
    assert 70 < np.mean(drawn) < 130
    sampler = BalancedSampler(parts, (0, 2), seed=0)
    first = list(sampler)
    assert len(first) == len(set(first)) == 20
    sampler.set_epoch(1)
    assert list(sampler) != first
    shares = []
    for number in range(2):
        rank(number, 2)
        shares.append(list(BalancedSampler(parts, (0, 2), seed=0)))
    assert sorted(sum(shares, [])) == sorted(first)
    with pytest.raises(ValueError, match='replacement=True'):
        BalancedSampler(parts, 2000)
