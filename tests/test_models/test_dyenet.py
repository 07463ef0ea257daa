"""DyeNet's way through a video, with parts that see colours instead of learnt ones."""

import numpy as np
import pytest
import torch
from colour_dyenet import behind_a_pillar, j_after, model, segment

from mmvos.models.segmentors.dyenet_search import TrackletSearch
from mmvos.utils.bounded_store import BoundedStore, RecordStore
from mmvos.videos import FrameArrays


def test_an_object_that_was_hidden_is_found_again_only_by_re_identification():
    images, truth = behind_a_pillar()
    hidden = [t for t, g in enumerate(truth) if not (g == 7).any()]
    assert len(hidden) >= 20
    video = FrameArrays(images, video_id='pillar', prompts={0: truth[0]})
    with_reid, full = segment(model(), video)
    without, alone = segment(model(use_reid=False), video)
    back = hidden[-1] + 1
    assert j_after(with_reid, truth, 7, back) > 0.8
    assert j_after(without, truth, 7, back) == 0
    assert j_after(with_reid, truth, 2, 0) > 0.8  # the other object keeps its identity throughout
    used = [t for t in full['tracklets'] if t['object'] == 1 and t['decision'] != 'rejected']
    assert len(used) >= 2 and used[0]['last_frame'] < hidden[0] <= hidden[-1] < used[1]['start_frame']
    assert len(alone['tracklets']) == 2


def test_a_small_memory_bound_changes_nothing():
    images, truth = behind_a_pillar(20)
    video = FrameArrays(images, prompts={0: truth[0]})
    expected, roomy = segment(model(), video)
    results, tight = segment(model(memory_mb=0.1), video)
    for a, b in zip(expected, results, strict=True):
        np.testing.assert_array_equal(a.pred_label_map, b.pred_label_map)
    assert roomy['recomputed_features'] == 0 < tight['recomputed_features']
    # not one block of records fits into a tenth of the bound: all masks of tracklets went to the file
    assert roomy['spilled_regions'] == 0 < tight['spilled_regions'] == tight['regions']


def test_the_store_keeps_its_bound_and_the_newest():
    calls = []

    def compute(key):
        calls.append(key)
        return torch.full((1024, 512), float(key))  # 1 MiB in half precision

    store = BoundedStore(compute, limit_mb=3)
    for key in (0, 1, 2, 0, 3, 0, 1):
        assert (store[key] == key).all()
        assert store.nbytes <= 3 * 2**20
    assert calls == [0, 1, 2, 3, 1] and store.recomputed == 1


def test_no_more_tracklets_than_allowed_the_least_similar_are_dropped():
    images, truth = behind_a_pillar()
    video = FrameArrays(images, prompts={0: truth[0]})
    free, bounded, two = (segment(model(**limit), video)[1] for limit in ({}, dict(max_tracklets=1), dict(max_tracklets=2)))
    per_object = [[t for t in free['tracklets'] if t['object'] == k] for k in range(2)]
    assert len(per_object[1]) > 1 and free['dropped_starting_points'] == 0
    assert [t['start_frame'] for t in bounded['tracklets']] == [0, 0]  # the given masks, of similarity 1, always go
    assert bounded['dropped_starting_points'] > 0
    kept = [t for t in two['tracklets'] if t['object'] == 1]
    assert len(kept) == 2 and kept[1]['similarity'] == max(t['similarity'] for t in per_object[1][1:])


def two_alike(frames=24):
    """A red square on its way that grows paler, and one that stays as red but jumps about: the first one is annotated."""
    images, label_maps = [], []
    for t in range(frames):
        image, label_map = np.full((64, 128, 3), 90, np.uint8), np.zeros((64, 128), np.uint8)
        image[10:26, 4 + 2 * t : 20 + 2 * t], label_map[10:26, 4 + 2 * t : 20 + 2 * t] = (3 * t, 3 * t, 255), 1
        left = 20 + 37 * t % 60
        image[40:58, left : left + 18] = (0, 0, 255)
        images.append(image)
        label_maps.append(label_map)
    return images, label_maps


@pytest.mark.parametrize('video', [behind_a_pillar, two_alike])
def test_neither_batches_nor_early_refusal_change_what_is_segmented(video, monkeypatch):
    """Against the search as the paper has it: one tracklet after the other, each to its end."""
    images, truth = video()
    clip = FrameArrays(images, prompts={0: truth[0]})
    results, batched = segment(model(batch=8), clip)
    monkeypatch.setattr(TrackletSearch, '_is_refused', lambda self, tracklet, frame: False)
    literal, single = segment(model(batch=1), clip)
    for a, b in zip(results, literal, strict=True):
        np.testing.assert_array_equal(a.pred_label_map, b.pred_label_map)
    used = [[t['start_frame'] for t in report['tracklets'] if t['frames_used']] for report in (batched, single)]
    assert used[0] == used[1]
    if video is two_alike:
        assert sum(r['refused'] for r in batched['rounds']) > 0 == sum(r['refused'] for r in single['rounds'])


def test_records_beyond_the_bound_come_back_from_the_file():
    dtype = np.dtype([('box', np.float32, 4), ('probabilities', np.float16, (14, 14))])
    store, rng, written = RecordStore(dtype, limit_mb=0.25), np.random.default_rng(0), []
    for number in range(1000):
        record = rng.random(4, np.float32), rng.random((14, 14)).astype(np.float16)
        assert store.append(record) == number
        written.append(record)
        old = rng.integers(number + 1)  # reading and writing take turns
        np.testing.assert_array_equal(store[old]['box'], written[old][0])
        np.testing.assert_array_equal(store[old]['probabilities'], written[old][1])
        assert store.nbytes <= 2**18
    assert store.room == 512 and store.spilled == 488 and len(store) == 1000
    with pytest.raises(IndexError, match='no record 1000'):
        store[1000]


def test_an_object_given_later_is_not_segmented_before():
    images, truth = behind_a_pillar(20)
    late = np.where(truth[8] == 2, truth[8], 0).astype(np.uint8)
    first = np.where(truth[0] == 7, truth[0], 0).astype(np.uint8)
    results, _ = segment(model(), FrameArrays(images, prompts={0: first, 8: late}))
    assert not any((r.pred_label_map == 2).any() for r in results[:8])
    assert j_after(results, truth, 2, 8) > 0.8
