"""Shapes that people draw in annotation tools, as run-length codes of the pixels that they cover."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pycocotools.mask as rle

from mmvos.structures import InputError

#: how far outside a frame a point may lie, in sides of the frame: further out it is a mistake, and takes memory to fill
REACH = 10


def polygon(points: Any, size: tuple[int, int], where: str) -> dict:
    """The inside of a polygon.

    Args:
        points (Any): ``(n, 2)`` of (x, y) in pixels; what is outside the frame is cut off.
        size (tuple): ``(H, W)`` of the frame.
        where (str): what messages call the shape.

    Returns:
        dict: compressed run-length code of the frame.

    Raises:
        InputError: fewer than three points, or one that is not a number or far from the frame.
    """
    points = checked_points(points, size, where)
    if len(points) < 3:
        raise InputError(f'{where}: a polygon with {len(points)} points; expected at least 3.')
    return rle.merge(rle.frPyObjects([points.ravel().tolist()], *size))


def rectangle(corners: Sequence[float], size: tuple[int, int], where: str, rotation: float = 0.0) -> dict:
    """Run-length code of a rectangle.

    Args:
        corners (Sequence[float]): ``(x1, y1, x2, y2)`` in pixels of the frame.
        size (tuple[int, int]): height and width of the frame.
        where (str): file and place, for messages.
        rotation (float): degrees, clockwise, about its centre.

    Raises:
        InputError: coordinates that are not finite, or far from the frame.
    """
    (x1, y1), (x2, y2) = checked_points([corners[:2], corners[2:]], size, where)
    return polygon(turned([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], rotation, where), size, where)


def ellipse(centre: Sequence[float], radii: Sequence[float], size: tuple[int, int], where: str, rotation: float = 0.0) -> dict:
    """Run-length code of an ellipse.

    Args:
        centre, radii (Sequence[float]): (x, y), and radii along x and y, in pixels of the frame.
        size (tuple[int, int]): height and width of the frame.
        where (str): file and place, for messages.
        rotation (float): degrees, clockwise, about its centre.

    Raises:
        InputError: coordinates that are not finite, or far from the frame.
    """
    (cx, cy), (rx, ry) = checked_points([centre, radii], size, where)
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    outline = np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], -1)
    return polygon(turned(outline, rotation, where), size, where)


def bitmap(mask: np.ndarray, left: int, top: int, size: tuple[int, int], where: str) -> dict:
    """Run-length code of a part of the frame; what is outside the frame is cut off.

    Args:
        mask (np.ndarray): ``(h, w)``; what is above 0 is the object.
        left, top (int): the frame's pixel at which the mask's first one lies.
        size (tuple[int, int]): height and width of the frame.
        where (str): file and place, for messages.

    Raises:
        InputError: all of it is outside.
    """
    height, width = mask.shape
    if not (-width < left < size[1] and -height < top < size[0]):
        raise InputError(
            f'{where}: the box of a mask begins at ({left}, {top}) and is {width}x{height}; it is outside the frame of '
            f'{size[1]}x{size[0]}.'
        )
    frame = np.zeros(size, np.uint8, order='F')
    rows, columns = slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0))
    part = mask[max(-top, 0) :, max(-left, 0) :]
    target = frame[rows, columns]
    target[:] = part[: target.shape[0], : target.shape[1]] > 0
    return rle.encode(frame)


def turned(points: Any, degrees: float, where: str) -> np.ndarray:
    """Points float64 ``(n, 2)`` turned clockwise (y points down) about the centre of their box.

    Args:
        points (Any): n pairs (x, y).
        degrees (float): angle.
        where (str): file and place, for messages.

    Raises:
        InputError: the angle is not finite.
    """
    points = np.asarray(points, float)
    if not np.isfinite(degrees):
        raise InputError(f'{where}: rotation is {degrees}; expected an angle in degrees.')
    if not degrees:
        return points
    angle = np.deg2rad(degrees)
    centre = (points.min(0) + points.max(0)) / 2
    return (points - centre) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + centre


def checked_points(points: Any, size: tuple[int, int], where: str) -> np.ndarray:
    """Points as float64 ``(n, 2)``.

    Args:
        points (Any): pairs (x, y) in pixels of the frame, nested or flat.
        size (tuple[int, int]): height and width of the frame.
        where (str): file and place, for messages.

    Raises:
        InputError: they are no pairs of numbers, or one is not finite or far from the frame.
    """
    try:
        array = np.asarray(points, float).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise InputError(f'{where}: points are {str(points)[:60]}; expected pairs of numbers.') from error
    bad = array[~(np.abs(array) <= REACH * max(size)).all(1)]
    if len(bad):
        raise InputError(
            f'{where}: the point ({bad[0][0]:g}, {bad[0][1]:g}) is not in or near the frame of {size[1]}x{size[0]} pixels.'
        )
    return array
