"""Clips simulated from still images."""

import cv2
import numpy as np
import pytest

from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, InputError

SIZE = (96, 160)


def still():
    """A red and a blue object on grey ground with a grid, as LoadClip leaves a still image; an area of unknown pixels."""
    image, labels = np.full((120, 200, 3), 120, np.uint8), np.zeros((120, 200), np.uint8)
    image[::10], image[:, ::10] = 90, 90
    for object_id, (top, left), colour in ((3, (40, 30), (0, 0, 230)), (7, (50, 120), (230, 0, 0))):
        mask = np.zeros_like(labels)
        cv2.ellipse(mask, (left + 25, top + 20), (25, 18), 0, 0, 360, 1, -1)
        image[mask > 0], labels[mask > 0] = colour, object_id
    labels[:6] = VOID
    return dict(video_id='a', img=[image], gt_seg_map=[labels], frame_ids=[0])


def clip(seed=0, **settings):
    np.random.seed(seed)
    transform = TRANSFORMS.build(dict(type='SimulateClip', **dict(dict(clip_len=6, size=SIZE, light=0.0), **settings)))
    return transform.transform(still())


def middles(result, object_id):
    return np.array([np.argwhere(labels == object_id).mean(0) for labels in result['gt_seg_map']])


@pytest.mark.parametrize('seed', range(6))
def test_masks_lie_on_their_objects_in_every_frame(seed):
    result = clip(seed)
    assert [f.shape for f in result['img']] == [(*SIZE, 3)] * 6 == [(*m.shape, 3) for m in result['gt_seg_map']]
    assert result['frame_ids'] == list(range(6)) and result['img_shape'] == SIZE
    for frame, labels in zip(result['img'], result['gt_seg_map'], strict=True):
        blue, _, red = frame.astype(int).transpose(2, 0, 1)
        known = labels != VOID
        for object_id, its in ((3, red - blue > 100), (7, blue - red > 100)):
            rim = cv2.morphologyEx((labels == object_id).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
            np.testing.assert_array_equal((labels == object_id)[known & ~rim], its[known & ~rim])


def test_without_any_motion_every_frame_is_the_image():
    result = clip(pan=0, rotation=0, zoom_rate=0, move=0, turn=0, bend=0, zoom=(1, 1), size=(120, 200))
    inner = np.s_[3:-3, 3:-3]  # the camera may stand a pixel to the side
    for frame, labels in zip(result['img'], result['gt_seg_map'], strict=True):
        assert np.abs(frame[inner].astype(int) - still()['img'][0][inner]).mean() < 12
        assert (labels != still()['gt_seg_map'][0])[inner].mean() < 0.02


def test_objects_move_apart_from_what_is_around_them():
    resting = dict(pan=0, rotation=0, zoom_rate=0, turn=0, bend=0, zoom=(1, 1))
    still_ones = [middles(clip(seed, move=0, **resting), 7) for seed in range(5)]
    moving = [middles(clip(seed, move=0.3, **resting), 7) for seed in range(5)]
    assert max(np.ptp(m, axis=0).max() for m in still_ones) < 0.5
    assert np.mean([np.ptp(m, axis=0).max() for m in moving]) > 3
    corner = [np.stack(clip(seed, move=0.3, **resting)['img'])[:, :20, -12:] for seed in range(5)]
    assert all((frames == frames[0]).all() for frames in corner)  # far from both objects


def test_the_camera_moves_and_what_is_outside_the_image_is_unknown():
    result = clip(2, pan=0.5, move=0, turn=0, bend=0)
    shares = [(labels == VOID).mean() for labels in result['gt_seg_map']]
    assert max(shares) > 0.3 and min(shares) < 0.1


def test_light_changes_from_frame_to_frame():
    greys = [float(np.median(f)) for f in clip(1, light=0.5, pan=0)['img']]
    assert max(greys) - min(greys) > 10
    assert len(set(float(np.median(f)) for f in clip(1, light=0.0, pan=0)['img'])) == 1


def test_equal_seeds_give_equal_clips_and_others_others():
    first, again, other = clip(3), clip(3), clip(4)
    np.testing.assert_array_equal(first['img'], again['img'])
    np.testing.assert_array_equal(first['gt_seg_map'], again['gt_seg_map'])
    assert (np.asarray(first['img']) != np.asarray(other['img'])).any()


def test_an_image_without_objects_is_moved_too():
    empty = still()
    empty['gt_seg_map'][0][:] = 0
    result = TRANSFORMS.build(dict(type='SimulateClip', clip_len=3, size=SIZE)).transform(empty)
    assert len(result['img']) == 3 and set(np.unique(result['gt_seg_map'])) <= {0, VOID}


def test_settings_are_checked():
    with pytest.raises(InputError, match=r'zoom is \(2, 1\); expected two numbers above 0, the smaller one first'):
        clip(zoom=(2, 1))
    with pytest.raises(InputError, match=r'move=0\.4 and bend=0\.1 would fold objects; expected a sum from 0 to 0\.4'):
        clip(move=0.4, bend=0.1)
