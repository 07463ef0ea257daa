import cv2
import numpy as np

from mmvos.visualization import draw_label_map
from mmvos.visualization.drawing import names_shown

PALETTE = np.zeros((256, 3), np.uint8)
PALETTE[1], PALETTE[2] = (200, 0, 0), (0, 0, 200)  # RGB


def disc(radius=40, size=120):
    label_map = np.zeros((size, size), np.uint8)
    cv2.circle(label_map, (size // 2, size // 2), radius, 1, -1)
    return label_map


def test_the_inside_is_tinted_and_the_rest_is_left_alone():
    frame = np.full((120, 120, 3), 100, np.uint8)
    drawn = draw_label_map(frame, disc(), PALETTE, alpha=0.5, contour=0)
    inside = cv2.erode(disc(), np.ones((5, 5), np.uint8)) > 0
    outside = cv2.dilate(disc(), np.ones((5, 5), np.uint8)) == 0
    assert (drawn[inside] == (50, 50, 150)).all() and (drawn[outside] == 100).all()
    assert (frame == 100).all()


def test_edges_are_smooth():
    frame = np.zeros((120, 120, 3), np.uint8)
    red = draw_label_map(frame, disc(), PALETTE, alpha=1, contour=0)[..., 2]
    assert len(np.unique(red)) > 10  # shares of a pixel, not all or nothing
    assert abs(float(red.sum()) / 200 - disc().sum()) < 0.03 * disc().sum()  # and the area stays


def test_holes_void_and_single_pixels():
    frame = np.zeros((120, 120, 3), np.uint8)
    label_map = disc()
    cv2.circle(label_map, (60, 60), 15, 0, -1)
    label_map[:5, :5] = 255
    label_map[110, 110] = 2
    drawn = draw_label_map(frame, label_map, PALETTE, alpha=1, contour=0)
    assert not drawn[55:66, 55:66].any() and not drawn[:5, :5].any()
    assert drawn[110, 110, 0] > 100
    assert not draw_label_map(frame, np.zeros((120, 120), np.uint8)).any()


def test_names_and_ids_are_written():
    frame, label_map = np.zeros((120, 120, 3), np.uint8), disc(20)
    plain, named = (draw_label_map(frame, label_map, PALETTE, names=names) for names in (None, {1: 'dog'}))
    changed = np.argwhere((plain != named).any(2))
    assert len(changed) > 30 and changed[:, 0].max() < 60  # above the object
    assert names_shown(None, [1]) is None and names_shown(None, [1, 2]) == {}
    assert names_shown({1: 'dog'}, [1]) == {1: 'dog'}
