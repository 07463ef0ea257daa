"""PasteObjects: cut-outs in real clips, before and behind what is there."""

import numpy as np
import pytest

from mmvos.datasets.transforms import PasteObjects
from mmvos.structures import VOID, InputError

PLAIN = dict(speed=0.1, lighting=0, blur=0, shadow_prob=0, soft_edge_prob=0, late_prob=0, leave_prob=0, object_scale=(0.4, 0.8))
SOURCE = dict(type='ProceduralObjects', size=64)


def clip(frames=4, size=(96, 128)):
    """A red square that stays on grey, with a strip of void."""
    label_map = np.zeros(size, np.uint8)
    label_map[30:70, 40:90], label_map[:4] = 3, VOID
    image = np.full((*size, 3), 90, np.uint8)
    image[label_map == 3] = (0, 0, 200)
    return dict(img=[image.copy() for _ in range(frames)], gt_seg_map=[label_map.copy() for _ in range(frames)])


def pasted(seed=0, item=None, **settings):
    np.random.seed(seed)
    options = dict(dict(objects=SOURCE, prob=1, settings=PLAIN), **settings)
    return PasteObjects(**options)(dict(item or clip()))


def test_new_objects_have_new_ids_and_pixels_of_their_own_and_nothing_else_changes():
    before = clip()
    for seed in range(20):
        after = pasted(seed, before)
        labels = np.stack(after['gt_seg_map'])
        added = ~np.isin(labels, (0, 3, VOID))
        assert set(np.unique(labels[added])) <= {4, 5, 6} and added[0].any()
        np.testing.assert_array_equal(np.stack(after['img'])[~added], np.stack(before['img'])[~added])
        np.testing.assert_array_equal(labels[~added], np.stack(before['gt_seg_map'])[~added])
    for name, maps in clip().items():  # what the data set keeps is not painted over
        np.testing.assert_array_equal(before[name], maps)


def test_behind_the_clips_objects_they_hide_nothing_of_them():
    hidden = []
    for seed in range(20):
        labels = np.stack(pasted(seed, behind_prob=1.0)['gt_seg_map'])
        assert ((labels == 3) == (np.stack(clip()['gt_seg_map']) == 3)).all()
        hidden.append((np.stack(pasted(seed, behind_prob=0.0)['gt_seg_map']) == 3).sum() < 4 * 40 * 50)
    assert sum(hidden) > 5


def test_copies_look_like_the_object_that_they_copy():
    after = pasted(1, copy_prob=1.0, behind_prob=0.0)
    added = np.stack(after['gt_seg_map']) > 3
    added &= np.stack(after['gt_seg_map']) != VOID
    colours = np.stack(after['img'])[added].astype(int)
    assert len(colours) > 200 and np.median(np.abs(colours - (0, 0, 200)).max(1)) <= 2


def test_they_move_smoothly():
    def centre(label_map, object_id):
        return np.argwhere(label_map == object_id).mean(0)

    steps = []
    for seed in range(10):
        maps = pasted(seed, num_objects=(1, 1), behind_prob=0.0)['gt_seg_map']
        steps += [np.linalg.norm(centre(b, 4) - centre(a, 4)) for a, b in zip(maps, maps[1:], strict=False)]
    assert np.median(steps) > 0.5 and max(steps) < 40


def test_none_at_probability_0_and_nothing_beyond_the_last_id():
    np.random.seed(0)
    result = PasteObjects(SOURCE, prob=0)(clip())
    np.testing.assert_array_equal(result['img'], clip()['img'])
    full = clip()
    full['gt_seg_map'] = [np.where(m == 3, np.uint8(253), m) for m in full['gt_seg_map']]
    labels = np.stack(PasteObjects(SOURCE, prob=1, num_objects=(3, 3), settings=PLAIN)(full)['gt_seg_map'])
    assert set(np.unique(labels)) <= {0, 253, 254, VOID}


def test_a_wrong_setting_is_refused():
    with pytest.raises(InputError, match=r'PasteObjects\.settings'):
        PasteObjects(SOURCE, settings=dict(quickness=1))


def test_cached_flow_is_refused():
    with pytest.raises(InputError, match='v: PasteObjects cannot be used with cached flow'):
        pasted(item=dict(clip(), flow_bwd=[np.zeros((96, 128, 2), np.float32)] * 4, video_id='v'))
