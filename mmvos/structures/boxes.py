"""Boxes, and what goes between boxes and masks.

A box is ``(x1, y1, x2, y2)`` in continuous pixel coordinates: column i covers [i, i + 1), so the tight box of a mask ends one
past its last column and row.
"""

import numpy as np
import torch
from torch import Tensor


def boxes_of_masks(masks: Tensor) -> Tensor:
    """Tight boxes of masks.

    Args:
        masks (Tensor): masks of any type, ``(N, H, W)``; pixels > 0.5 belong to the object.

    Returns:
        Boxes, float ``(N, 4)``; zeros for an empty mask.
    """
    inside = masks if masks.dtype == torch.bool else masks > 0.5
    ends = []
    for occupied in (inside.any(1), inside.any(2)):  # columns (N, W), rows (N, H)
        positions = torch.arange(occupied.shape[1], device=masks.device)
        first = torch.where(occupied, positions, occupied.shape[1]).amin(1)
        last = torch.where(occupied, positions, -1).amax(1)
        ends.append((first, last + 1))
    boxes = torch.stack((ends[0][0], ends[1][0], ends[0][1], ends[1][1]), 1).float()
    return boxes * (ends[0][1] > ends[0][0])[:, None]


def tight_box(mask: np.ndarray) -> np.ndarray:
    """Tight box of one bool mask ``(H, W)``: float64 ``(4,)``; zeros for an empty mask."""
    return boxes_of_masks(torch.from_numpy(np.ascontiguousarray(mask, bool))[None])[0].double().numpy()


def has_area(boxes: Tensor) -> Tensor:
    """Which boxes ``(N, 4)`` have a width and a height: bool ``(N,)``."""
    return (boxes[:, 2:] > boxes[:, :2]).all(1)


def enlarge_boxes(boxes: Tensor, ratio: float, shape: tuple[int, int]) -> Tensor:
    """Boxes with every side moved outwards.

    Args:
        boxes (Tensor): boxes ``(N, 4)``.
        ratio (float): share of the width (height) by which each side moves.
        shape (tuple[int, int]): height and width of the image, to which the result is clipped.

    Returns:
        Boxes ``(N, 4)``.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    grown = torch.cat([boxes[:, :2] - ratio * size, boxes[:, 2:] + ratio * size], dim=1)
    return grown.clamp(min=0).minimum(grown.new_tensor([shape[1], shape[0]] * 2))


def clip_boxes(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """The ``boxes`` ``(N, 4)`` cut to a frame of ``height`` x ``width`` pixels.

    A box outside the frame becomes empty (no width or no height).
    """
    return np.clip(boxes, 0, (width, height, width, height))


def draw_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Filled boxes as binary maps.

    The cells ``[round(y1), round(y2)) x [round(x1), round(x2))`` of the clipped box are 1, at least one pixel; a box that is
    empty after clipping gives an empty map.

    Args:
        boxes (Tensor): boxes in pixels of the map, float ``(N, 4)``.
        height (int): height of the maps.
        width (int): width of the maps.

    Returns:
        Maps, float ``(N, height, width)``.
    """
    x1, x2 = boxes[:, 0::2].clamp(0, width).unbind(1)
    y1, y2 = boxes[:, 1::2].clamp(0, height).unbind(1)
    exists = (x2 > x1) & (y2 > y1)

    def span(start: Tensor, end: Tensor, length: int) -> Tensor:
        first = start.round().clamp(max=length - 1)
        last = torch.maximum(end.round(), first + 1)
        cells = torch.arange(length, device=boxes.device)
        return (cells >= first[:, None]) & (cells < last[:, None])

    rows, columns = span(y1, y2, height), span(x1, x2, width)
    return (rows[:, :, None] & columns[:, None, :] & exists[:, None, None]).float()


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes, pair by pair: ``(N,)`` in [0, 1]; 0 where the union is empty.

    Args:
        a, b (np.ndarray): boxes ``(N, 4)``, (x1, y1, x2, y2).
    """
    size = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    intersection = np.clip(size, 0, None).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - intersection
    return np.where(union > 0, intersection / np.where(union > 0, union, 1), 0.0)


def centre_and_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres ``(N, 2)`` and sizes ``(N, 2)`` of boxes ``(N, 4)``."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
