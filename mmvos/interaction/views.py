"""Parts of a frame as the interactive segmenter sees them: the whole frame, and close-ups of its objects."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import FrameGeometry
from mmvos.models.interactive.prompt_encoder import NOTHING
from mmvos.structures import Box, Click

#: a close-up that shows more of the frame than this is the frame
_WHOLE = 0.8
#: shortest side of a close-up, in pixels of the frame
_SHORTEST = 48
#: a close-up is kept while it overlaps the one that would be taken now by this IoU
_KEPT = 0.5


class Region(NamedTuple):
    """A rectangle of whole pixels of a frame, the right and lower edges excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> 'Region':
        """All of a frame ``(H, W)``."""
        return cls(0, 0, shape[1], shape[0])

    @property
    def area(self) -> int:
        """Pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    def contains(self, bounds: tuple[float, float, float, float]) -> bool:
        """Whether left, top, right and bottom of something lie within it."""
        left, top, right, bottom = bounds
        return self.left <= left and self.top <= top and right <= self.right and bottom <= self.bottom

    def iou(self, other: 'Region') -> float:
        """Overlap with another one, 0..1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)


class View:
    """One region of a frame: its features, and the way from the frame's pixels to the network's.

    Args:
        region (Region): what it shows.
        geometry (FrameGeometry): way from the region's size to the network's.
        projected (tuple): result of the decoder's ``project``.
    """

    def __init__(self, region: Region, geometry: FrameGeometry, projected: tuple[Tensor, ...]) -> None:
        self.region, self.geometry, self.projected = region, geometry, projected
        #: the same of the mirrored picture, once it was asked for
        self.mirrored: tuple[Tensor, ...] = ()
        height, width = geometry.resized_shape
        self._scale = np.array([width / (region.right - region.left), height / (region.bottom - region.top)])
        self._shift = np.array([geometry.padding[0], geometry.padding[2]]) - self._scale * np.array([region.left, region.top])

    @property
    def cells(self) -> tuple[int, int]:
        """``(h, w)`` of the logits."""
        height, width = self.projected[0].shape[-2:]
        return height, width

    @property
    def stride(self) -> float:
        """Pixels of the network's input per cell of the logits."""
        return self.geometry.input_shape[0] / self.cells[0]

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Points ``(..., 2)``, x and y in the frame, in pixels of the network's input."""
        return points * self._scale + self._shift

    def shows(self, click: Click) -> bool:
        """Whether a click lies in the region."""
        return self.region.contains((click.x, click.y, click.x, click.y))

    def take(self, logits: Tensor, source: 'View') -> Tensor:
        """Logits of another view of the frame, at the cells of this one; nothing where that one does not show.

        Args:
            logits (Tensor): ``(h, w)`` at the cells of ``source``.
            source (View): the other view, of the same frame.
        """
        if source is self:
            return logits
        axes = []
        for axis, count in zip((0, 1), reversed(self.cells), strict=True):
            pixels = (np.arange(count) + 0.5) * self.stride
            in_frame = (pixels - self._shift[axis]) / self._scale[axis]
            there = (in_frame * source._scale[axis] + source._shift[axis]) / source.stride
            axes.append(torch.from_numpy(there / source.cells[1 - axis] * 2 - 1).to(logits))
        ys, xs = torch.meshgrid(axes[1], axes[0], indexing='ij')
        grid = torch.stack([xs, ys], -1)[None]
        taken = F.grid_sample(logits[None, None], grid, padding_mode='border', align_corners=False)[0, 0]
        return taken.masked_fill((grid[0].abs() > 1).any(-1), NOTHING)

    def to_frame(self, logits: Tensor, shape: tuple[int, int]) -> Tensor:
        """Logits at the frame's pixels, ``(H, W)``; nothing outside the region.

        Args:
            logits (Tensor): ``(h, w)`` at the cells of this view.
            shape (tuple[int, int]): height and width of the frame.
        """
        full = F.interpolate(logits[None, None], self.geometry.input_shape, mode='bilinear', align_corners=False)[0]
        left, top, right, bottom = self.region
        result = logits.new_full(shape, NOTHING)
        result[top:bottom, left:right] = self.geometry.to_original(full)[0]
        return result


def bounds_of(mask: np.ndarray, marks: Iterable[Click | Box]) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of a mask bool ``(H, W)`` and of what points at its object; None where there is neither."""
    corners: list[tuple[float, float, float, float]] = []
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if len(xs):
        corners.append((xs[0], ys[0], xs[-1] + 1, ys[-1] + 1))
    for mark in marks:
        corners.append((mark.x, mark.y, mark.x, mark.y) if isinstance(mark, Click) else (mark.x1, mark.y1, mark.x2, mark.y2))
    if not corners:
        return None
    table = np.array(corners, float)
    return (*table[:, :2].min(0).tolist(), *table[:, 2:].max(0).tolist())


def close_up(bounds: tuple[float, float, float, float], shape: tuple[int, int], margin: float, last: Region | None) -> Region:
    """The region around something: ``margin`` times its sides, within the frame (Zoom-In of f-BRS: Sofiiuk et al., 2020).

    Args:
        bounds (tuple): left, top, right, bottom of what is to be seen.
        shape (tuple): ``(H, W)`` of the frame.
        margin (float): sides of the region relative to those of ``bounds``.
        last (Region | None): region before; it is kept while it still fits.
    """
    low, high = np.array(bounds[:2]), np.array(bounds[2:])
    half = np.maximum((high - low) * margin, _SHORTEST) / 2
    left, top = np.maximum((low + high) / 2 - half, 0).astype(int)
    right, bottom = np.minimum(np.ceil((low + high) / 2 + half), shape[::-1]).astype(int)
    region, whole = Region(int(left), int(top), int(right), int(bottom)), Region.whole(shape)
    if region.area > _WHOLE * whole.area:
        region = whole
    if last is not None and last.contains(bounds) and last.iou(region) >= _KEPT:
        return last
    return region


def corrected_part(before: np.ndarray, after: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Where a given mask follows what clicks made of it: the changes that a click touches (Chen et al., "FocalClick", 2022,
    section 3.3). What was right elsewhere, and finer than the network sees, stays.

    Args:
        before, after (ndarray): bool ``(H, W)``, the given mask and the new one.
        clicks (sequence[Click]): what the new one was made from.

    Returns:
        bool ``(H, W)``; everywhere if no click touches a change.
    """
    radius = max(round(max(before.shape) / 400), 1)
    changed = (before ^ after).astype(np.uint8)
    # without the thin seams along the outline, which join all changes
    _, parts = cv2.connectedComponents(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((2 * radius + 1,) * 2, np.uint8)))
    touched: set[int] = set()
    for click in clicks:
        row, column, reach = int(click.y), int(click.x), 4 * radius
        window = parts[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
        touched.update(np.unique(window).tolist())
    touched.discard(0)
    if not touched:
        return np.ones(before.shape, bool)
    seams = np.ones((2 * radius + 3,) * 2, np.uint8)
    return cv2.dilate(np.isin(parts, list(touched)).astype(np.uint8), seams) > 0
