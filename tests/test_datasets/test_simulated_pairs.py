"""Pairs simulated from still images, and the still images they come from."""

import cv2
import numpy as np
import pytest

from mmvos.datasets import StillImageDataset, VOCInstanceDataset
from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError

SIZE = (64, 80)


class Picture:
    """A background of one colour."""

    def sample(self, rng, height, width):
        return np.full((height, width, 3), (0, 200, 0), np.uint8)


def still():
    """A red object on grey, as LoadClip and SelectObjects leave it; a strip of unknown pixels beside it."""
    image = np.full((96, 120, 3), 90, np.uint8)
    labels = np.zeros((96, 120), np.uint8)
    labels[30:70, 40:90], labels[30:70, 90:93] = 1, 255
    image[labels == 1] = (0, 0, 220)
    return dict(video_id='a', img=[image], gt_seg_map=[labels], frame_ids=[0])


def pair(seed=0, **settings):
    transform = TRANSFORMS.build(
        dict(type='SimulatePair', size=SIZE, **dict(dict(composite_prob=0.0, light_prob=0.0), **settings))
    )
    if transform.composite_prob:
        transform.backgrounds = Picture()
    np.random.seed(seed)
    return transform.transform(still())


@pytest.mark.parametrize('seed', range(4))
def test_masks_lie_on_the_object_in_both_frames(seed):
    result = pair(seed)
    reference, previous, target = result['gt_seg_map']
    assert [x.shape for x in result['img']] == [(*SIZE, 3)] * 3 and result['frame_ids'] == [0, 1, 2]
    for image, labels in ((result['img'][0], reference), (result['img'][2], target)):
        red = image[..., 2].astype(int) - image[..., 1] > 65
        inside, outside = labels == 1, labels == 0
        assert red[inside].mean() > 0.97 and red[outside].mean() < 0.03
    overlap = ((previous == 1) & (target == 1)).sum() / ((previous == 1) | (target == 1)).sum()
    assert 0.4 < overlap < 1 and set(np.unique(previous)) == {0, 1}
    np.testing.assert_array_equal(result['img'][1], result['img'][2])
    assert (reference != target).any()


def test_composites_have_another_background_and_know_all_of_it():
    result = pair(composite_prob=1.0, backgrounds=dict(type='ProceduralBackgrounds'))
    for image, labels in ((result['img'][0], result['gt_seg_map'][0]), (result['img'][2], result['gt_seg_map'][2])):
        assert set(np.unique(labels)) == {0, 1}
        far = cv2.dilate(labels, np.ones((9, 9), np.uint8)) == 0
        assert (image[far] == (0, 200, 0)).all()
        assert (image[cv2.erode(labels, np.ones((9, 9), np.uint8)) == 1][:, 1] < 20).all()


def test_what_is_outside_the_image_is_unknown_and_unknown_pixels_stay_so():
    label_maps = [pair(seed, view=dict(scale=(0.5, 0.5)), flip_prob=0.0)['gt_seg_map'] for seed in range(3)]
    for reference, _, target in label_maps:
        for labels in (reference, target):
            assert (labels[0] == 255).all() and (labels[:, -1] == 255).all()  # half the size leaves a border
            assert (labels == 255).mean() > 0.6


def test_equal_seeds_give_equal_pairs_and_others_others():
    first, again, other = pair(3), pair(3), pair(4)
    np.testing.assert_array_equal(first['img'], again['img'])
    assert (np.asarray(first['img']) != np.asarray(other['img'])).any()


def test_an_object_that_is_too_small_gives_no_pair():
    assert pair(min_pixels=3000) is None


def test_settings_are_checked():
    with pytest.raises(InputError, match='no source of backgrounds'):
        TRANSFORMS.build(dict(type='SimulatePair', size=SIZE))
    with pytest.raises(InputError, match=r"SimulatePair\.view: unknown setting 'rotate'"):
        pair(view=dict(rotate=3))
    with pytest.raises(InputError, match=r'SimulatePair\.previous: scale is'):
        pair(previous=dict(scale=(1.2, 0.8)))


def test_stills_are_videos_of_one_frame_whose_objects_keep_their_values(tmp_path):
    for folder in ('JPEGImages', 'SegmentationObject'):
        (tmp_path / folder).mkdir()
    labels = np.zeros((20, 30), np.uint8)
    labels[2:9, 3:9], labels[12:18, 10:20], labels[0] = 1, 4, 255
    for name in ('2007_1', '2007_2'):
        cv2.imwrite(str(tmp_path / 'JPEGImages' / f'{name}.jpg'), np.full((20, 30, 3), 9, np.uint8))
    cv2.imwrite(str(tmp_path / 'SegmentationObject' / '2007_2.png'), labels)
    pipeline = [dict(type='SampleClip', clip_len=1), dict(type='LoadClip')]
    voc = VOCInstanceDataset(str(tmp_path), pipeline=pipeline)
    assert len(voc) == 1 and voc[0]['video_id'] == '2007_2'  # the other image has no mask
    np.testing.assert_array_equal(voc[0]['gt_seg_map'][0], labels)
    (tmp_path / 'JPEGImages').rename(tmp_path / 'images')
    (tmp_path / 'SegmentationObject').rename(tmp_path / 'masks')
    assert len(StillImageDataset(str(tmp_path), pipeline=pipeline)) == 1
