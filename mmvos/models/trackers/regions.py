"""Masks of tracklets, kept on the grids of their boxes and compared without ever being as large as a frame."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvos.structures import boxes_of_masks
from mmvos.structures.roi_grid import paste
from mmvos.utils.bounded_store import RecordStore

Window = tuple[int, int, int, int]


class RegionSummary(NamedTuple):
    """What a region's mask is like: tight box ``(1, 4)``, and mean probability in the mask (0 if it is empty)."""

    box: Tensor
    confidence: float


class RegionStore:
    """Probabilities of an object on the m x m grid of its box, in half precision; the mask is where they are at least 0.5.

    Masks are drawn when they are compared, and only where their boxes are.

    Args:
        size (int): m.
        shape (tuple[int, int]): height and width of the frames.
        limit_mb (float): bound of the regions in memory; the others go to a temporary file.
        name (str): name in the message that says that the limit was reached.
    """

    def __init__(self, size: int, shape: tuple[int, int], limit_mb: float, name: str) -> None:
        self.shape = shape
        self.records = RecordStore(
            np.dtype([('box', np.float32, 4), ('probabilities', np.float16, (size, size))]), limit_mb, name
        )

    def append(self, boxes: Tensor, probabilities: Tensor) -> list[int]:
        """Keep regions: boxes ``(N, 4)`` and probabilities ``(N, m, m)``; returns their numbers."""
        rows = zip(boxes.float().cpu().numpy(), probabilities.to('cpu', torch.float16).numpy(), strict=True)
        return [self.records.append(row) for row in rows]

    def iou(self, first: int, second: int) -> float:
        """IoU of the masks of two regions; 1 if both are empty, 0 if their boxes do not touch."""
        windows = self._window(first), self._window(second)
        if not _touch(*windows):
            return 0.0
        (left, top, right, bottom), other = windows
        window = min(left, other[0]), min(top, other[1]), max(right, other[2]), max(bottom, other[3])
        a, b = self.probabilities((first, second), window) >= 0.5
        return _iou(int((a & b).sum()), int(a.sum()), int(b.sum()))

    def iou_with(self, number: int, mask: Tensor, area: int) -> float:
        """IoU of a region's mask and a bool mask ``(H, W)`` on the CPU that has ``area`` pixels."""
        left, top, right, bottom = window = self._window(number)
        own = self.probabilities((number,), window)[0] >= 0.5
        return _iou(int((own & mask[top:bottom, left:right]).sum()), int(own.sum()), area)

    def summary(self, number: int) -> RegionSummary:
        """What a region's mask is like."""
        window = self._window(number)
        probabilities = self.probabilities((number,), window)
        masks = probabilities >= 0.5
        box = boxes_of_masks(masks)
        if not masks.any():
            return RegionSummary(box, 0.0)
        return RegionSummary(box + box.new_tensor(window[:2] * 2), float(probabilities[masks].mean()))

    def probabilities(self, numbers: Sequence[int], window: Window | None = None, device: torch.device | str = 'cpu') -> Tensor:
        """Probabilities of regions in a window of the frame (None: the whole frame), ``(N, bottom - top, right - left)``."""
        found = [self.records[number] for number in numbers]
        boxes = torch.from_numpy(np.stack([record['box'] for record in found]))
        grids = torch.from_numpy(np.stack([record['probabilities'] for record in found]))
        return paste(grids.to(device, torch.float32), boxes.to(device), window or (0, 0, self.shape[1], self.shape[0]))

    def _window(self, number: int) -> Window:
        """The pixels that a region's mask may have."""
        x1, y1, x2, y2 = (float(side) for side in self.records[number]['box'])
        right, bottom = min(math.ceil(x2), self.shape[1]), min(math.ceil(y2), self.shape[0])
        return max(math.floor(x1), 0), max(math.floor(y1), 0), right, bottom


def _touch(first: Window, second: Window) -> bool:
    across = min(first[2], second[2]) - max(first[0], second[0])
    return across > 0 and min(first[3], second[3]) - max(first[1], second[1]) > 0


def _iou(common: int, first: int, second: int) -> float:
    union = first + second - common
    return common / union if union else 1.0
