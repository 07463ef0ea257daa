"""Boxes and masks: the few conversions that trackers and attention priors share.

Boxes are ``(x1, y1, x2, y2)`` in continuous coordinates: pixel column i covers [i, i + 1), so the tight box of a mask
ends one past its last column and row.
"""

import numpy as np
import torch
from torch import Tensor


def boxes_of_masks(masks: Tensor) -> Tensor:
    """Tight boxes of masks.

    Args:
        masks: ``(N, H, W)``; pixels > 0.5 belong to the object.

    Returns:
        float ``(N, 4)``; zeros for an empty mask.
    """
    inside = masks > 0.5
    ends = []
    for occupied in (inside.any(1), inside.any(2)):  # columns (N, W), rows (N, H)
        positions = torch.arange(occupied.shape[1], device=masks.device)
        first = torch.where(occupied, positions, occupied.shape[1]).amin(1)
        last = torch.where(occupied, positions, -1).amax(1)
        ends.append((first, last + 1))
    boxes = torch.stack((ends[0][0], ends[1][0], ends[0][1], ends[1][1]), 1).float()
    return boxes * inside.flatten(1).any(1, keepdim=True)


def clip_boxes(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes ``(N, 4)`` cut to the frame; a box outside it becomes empty (no width or no height)."""
    return np.clip(boxes, 0, (width, height, width, height))


def draw_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Filled boxes as binary maps.

    The cells ``[round(y1), round(y2)) x [round(x1), round(x2))`` of the clipped box are 1, at least one pixel; a box
    that is empty after clipping gives an empty map.

    Args:
        boxes: float ``(N, 4)`` in pixels of the map.

    Returns:
        float ``(N, height, width)``.
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
    """Intersection over union of boxes ``(N, 4)``, pair by pair: ``(N,)``; 0 where the union is empty."""
    size = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    intersection = np.clip(size, 0, None).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - intersection
    return np.where(union > 0, intersection / np.where(union > 0, union, 1), 0.0)


def centre_and_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres ``(N, 2)`` and sizes ``(N, 2)`` of boxes ``(N, 4)``."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
