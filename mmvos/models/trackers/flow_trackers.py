"""Trackers without weights that go by optical flow (and colour)."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS, TRACKERS
from mmvos.structures import InputError, boxes_of_masks, centre_and_size, clip_boxes, tight_box

from ..flow import resize_flow, warp
from .base import BoxTracker, TrackerState, Tracks


class _FlowTracker(BoxTracker):
    """A tracker that works on frames of limited height and on the flow between them.

    Args:
        flow (dict | None): config of the estimator, used where the caller brings no flow (None: DIS, medium).
        rows (int): height to which higher frames are reduced (more resolution buys nothing and costs time).
    """

    def __init__(self, flow: dict | None = None, rows: int = 256) -> None:
        self.flow = MODELS.build(flow or dict(type='DISFlow', preset='medium'))
        self.rows = rows

    def _prepare(self, frame: np.ndarray, state: TrackerState) -> TrackerState:
        return replace(state, previous=self._reduce(frame))

    def _reduce(self, frame: np.ndarray) -> np.ndarray:
        height, width = frame.shape[:2]
        if height <= self.rows:
            return frame
        size = (max(round(width * self.rows / height), 1), self.rows)
        return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)

    def _flow_between(self, frame_from: np.ndarray, frame_to: np.ndarray) -> Tensor:
        """``(1, 2, h, w)``, from BGR uint8 frames."""
        frames = [
            torch.from_numpy(np.ascontiguousarray(f[..., ::-1])).permute(2, 0, 1)[None].float() for f in (frame_from, frame_to)
        ]
        return self.flow(*frames)


@dataclass
class ColouredMask:
    """A target at the reduced size.

    Attributes:
        mask (np.ndarray): bool mask ``(h, w)``.
        foreground (np.ndarray): colour histogram of the object in its first frame, with sum 1.
        background (np.ndarray): colour histogram of what surrounded it there, with sum 1.
    """

    mask: np.ndarray
    foreground: np.ndarray
    background: np.ndarray


@TRACKERS.register_module()
class FlowColourTracker(_FlowTracker):
    """The default tracker without weights: the last mask, carried on by the flow and corrected by the object's colours.

    Every frame, the mask is warped; blurred it is the prior of a per-pixel Bayes rule whose likelihood comes from the
    colour histograms of the first frame. Small detached pieces of the posterior are dropped; its tight box is the
    track. A target is reported lost where little or nothing of the warped mask has the object's colours.

    Started from a box without a mask, it takes the inscribed ellipse.

    Args:
        flow (dict | None): config of the flow estimator (None: DIS, medium).
        rows (int): height to which higher frames are reduced.
        bits (int): bits of each colour channel in the histogram (4: 16 x 16 x 16 bins).
        rate (float): weight of a frame's new histograms (0: those of the first frame are kept).
        prior_blur (float): sigma in pixels of the blur that turns the warped mask into a prior.
        prior_limit (float): the prior stays in [limit, 1 - limit].
        likelihood_blur (float): sigma in pixels of the blur of the colour likelihood.
        min_piece (float): pieces smaller than this share of the largest are dropped.
        min_left (float): share of the warped mask's pixels that must be left, or the target counts as lost.
    """

    def __init__(
        self,
        flow: dict | None = None,
        rows: int = 256,
        bits: int = 4,
        rate: float = 0.0,
        prior_blur: float = 3.0,
        prior_limit: float = 0.1,
        likelihood_blur: float = 1.0,
        min_piece: float = 0.1,
        min_left: float = 0.1,
    ) -> None:
        super().__init__(flow, rows)
        self.bits, self.rate = bits, rate
        self.prior_blur, self.prior_limit, self.likelihood_blur = prior_blur, prior_limit, likelihood_blur
        self.min_piece, self.min_left = min_piece, min_left

    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[ColouredMask]:
        small = self._reduce(frame)
        bins = self._colour_bins(small)
        height, width = small.shape[:2]
        scale = np.array((width, height) * 2) / np.array((frame.shape[1], frame.shape[0]) * 2)
        targets = []
        for i, box in enumerate(boxes * scale):
            if masks is None:
                mask = _ellipse(box, height, width)
            else:
                mask = cv2.resize(masks[i].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT) > 0
            targets.append(ColouredMask(mask, *self._histograms(bins, mask, _window(box, height, width))))
        return targets

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[ColouredMask], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[ColouredMask]]:
        small = self._reduce(frame)
        height, width = small.shape[:2]
        flow = self._flow_between(small, state.previous) if flow_bwd is None else resize_flow(flow_bwd[None], (height, width))
        bins = self._colour_bins(small)
        before = torch.from_numpy(np.stack([t.mask for t in targets])).to(flow.device, torch.float32)
        carried = warp(before[None], flow)[0]
        warped_boxes, warped = boxes_of_masks(carried).double().cpu().numpy(), carried.cpu().numpy()

        boxes, scores, ok = np.zeros((len(targets), 4)), np.full(len(targets), np.nan), np.zeros(len(targets), bool)
        scale = np.array((frame.shape[1], frame.shape[0]) * 2) / np.array((width, height) * 2)
        moved = []
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        for i, target in enumerate(targets):
            if not warped_boxes[i].any():  # carried out of view
                boxes[i] = state.boxes[alive[i]]
                moved.append(target)
                continue
            mask, box, scores[i], ok[i] = self._correct(bins, warped[i], warped_boxes[i], target)
            boxes[i] = box * scale
            moved.append(self._learn(bins, replace(target, mask=mask), box) if ok[i] else replace(target, mask=mask))
        return Tracks(boxes, scores, ok), moved

    def _correct(
        self, bins: np.ndarray, warped: np.ndarray, box: np.ndarray, target: ColouredMask
    ) -> tuple[np.ndarray, np.ndarray, float, bool]:
        """Mask, its box, mean posterior and whether the target is still there."""
        rows, columns = _window(box, *warped.shape)
        prior = cv2.GaussianBlur(warped[rows, columns], (0, 0), self.prior_blur)
        prior = np.clip(prior, self.prior_limit, 1 - self.prior_limit)
        colours, smoothing = bins[rows, columns], 1e-4
        foreground = target.foreground[colours]
        likelihood = (foreground + smoothing) / (foreground + target.background[colours] + 2 * smoothing)
        likelihood = cv2.GaussianBlur(likelihood, (0, 0), self.likelihood_blur)
        joint = prior * likelihood
        posterior = joint / (joint + (1 - prior) * (1 - likelihood))
        part = self._drop_small_pieces(posterior > 0.5)
        before = warped > 0.5
        if part.sum() < max(self.min_left * before.sum(), 1):
            return before, box, np.nan, False
        mask = np.zeros(warped.shape, bool)
        mask[rows, columns] = part
        return mask, tight_box(mask), float(posterior[part].mean()), True

    def _drop_small_pieces(self, mask: np.ndarray) -> np.ndarray:
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        if count <= 2:
            return mask
        areas = stats[:, cv2.CC_STAT_AREA].copy()
        areas[0] = 0  # the background
        return (areas >= self.min_piece * areas.max())[labels] & mask

    def _learn(self, bins: np.ndarray, target: ColouredMask, box: np.ndarray) -> ColouredMask:
        if not self.rate:
            return target
        foreground, background = self._histograms(bins, target.mask, _window(box, *target.mask.shape))
        return replace(
            target,
            foreground=(1 - self.rate) * target.foreground + self.rate * foreground,
            background=(1 - self.rate) * target.background + self.rate * background,
        )

    def _colour_bins(self, frame: np.ndarray) -> np.ndarray:
        channels = (frame >> (8 - self.bits)).astype(np.int32)
        return (channels[..., 0] << 2 * self.bits) + (channels[..., 1] << self.bits) + channels[..., 2]

    def _histograms(self, bins: np.ndarray, mask: np.ndarray, window: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        inside, colours = mask[window], bins[window]
        histograms = []
        for part in (colours[inside], colours[~inside]):
            histograms.append((np.bincount(part, minlength=1 << 3 * self.bits) / max(len(part), 1)).astype(np.float32))
        return histograms[0], histograms[1]


@TRACKERS.register_module()
class FlowBoxTracker(_FlowTracker):
    """The simplest baseline: a box shifted by the median flow inside it and scaled by the median change of distances.

    It always estimates the forward flow itself; a caller's backward flow is not used.

    Args:
        flow (dict | None): config of the flow estimator (None: DIS, medium).
        rows (int): height to which higher frames are reduced.
        region (float): share of the box's width and height, around its centre, whose flow counts.
        points (int): about how many points of it are used.
        pairs (int): number of random pairs of points that vote for the change of scale.
        scale_range (tuple[float, float]): smallest and largest change of scale in a frame.
        min_side (float): smallest side of the box in pixels of the reduced frame.
    """

    def __init__(
        self,
        flow: dict | None = None,
        rows: int = 256,
        region: float = 0.5,
        points: int = 400,
        pairs: int = 2000,
        scale_range: tuple[float, float] = (0.9, 1.1),
        min_side: float = 4.0,
    ) -> None:
        super().__init__(flow, rows)
        self.region, self.points, self.pairs = region, points, pairs
        self.scale_range, self.min_side = scale_range, min_side

    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[np.ndarray]:
        return list(boxes)

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[np.ndarray], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[np.ndarray]]:
        small = self._reduce(frame)
        flow = self._flow_between(state.previous, small)[0].cpu().numpy()
        scale = np.array((frame.shape[1], frame.shape[0]) * 2) / np.array((small.shape[1], small.shape[0]) * 2)
        moved, ok = [], []
        for box in targets:
            box, found = self._move(box / scale, flow)
            moved.append(box * scale)
            ok.append(found)
        return Tracks(np.stack(moved), np.full(len(moved), np.nan), np.array(ok)), moved

    def _move(self, box: np.ndarray, flow: np.ndarray) -> tuple[np.ndarray, bool]:
        height, width = flow.shape[1:]
        centre, size = (part[0] for part in centre_and_size(box[None]))
        x1, y1, x2, y2 = clip_boxes(
            np.concatenate((centre - size * self.region / 2, centre + size * self.region / 2)), height, width
        )
        if x2 - x1 < 2 or y2 - y1 < 2:
            return box, False
        step = max(np.sqrt((x2 - x1) * (y2 - y1) / self.points), 1.0)
        xs, ys = np.meshgrid(np.arange(x1, x2 - 1e-6, step).astype(int), np.arange(y1, y2 - 1e-6, step).astype(int))
        points = np.stack((xs.ravel(), ys.ravel()), 1).astype(np.float64)
        motion = flow[:, ys.ravel(), xs.ravel()].T.astype(np.float64)
        random = np.random.RandomState(0)  # the same box and flow always give the same answer
        a, b = random.randint(len(points), size=(2, self.pairs))
        before = np.linalg.norm(points[a] - points[b], axis=1)
        after = np.linalg.norm(points[a] + motion[a] - points[b] - motion[b], axis=1)
        far = before > max(4, 0.1 * size.min())
        scale = float(np.median(after[far] / before[far])) if far.any() else 1.0
        scale = min(max(scale, self.scale_range[0]), self.scale_range[1])
        centre = np.clip(centre + np.median(motion, axis=0), 0, (width, height))
        size = np.clip(size * scale, self.min_side, (width, height))
        return np.concatenate((centre - size / 2, centre + size / 2)), True


@TRACKERS.register_module()
class MaskBoxTracker(BoxTracker):
    """The tight box of the caller's own masks (e.g. of the warped previous prediction): errors feed on themselves."""

    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[Any]:
        return [True] * len(boxes)

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        if masks is None:
            raise InputError('MaskBoxTracker follows masks: pass update(..., masks=...).')
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        scale = np.array((frame.shape[1], frame.shape[0]) * 2) / np.array((masks.shape[2], masks.shape[1]) * 2)
        boxes = boxes_of_masks(masks).double().cpu().numpy() * scale
        ok = boxes.any(1)
        boxes[~ok] = state.boxes[alive][~ok]
        return Tracks(boxes, np.full(len(boxes), np.nan), ok), targets


def _window(box: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the surroundings of a box: twice its size, at least 10 pixels more on every side."""
    centre, size = (part[0] for part in centre_and_size(box[None]))
    half = np.maximum(2 * size, size + 20) / 2
    x1, y1, x2, y2 = clip_boxes(np.concatenate((centre - half, centre + half)), height, width).round().astype(int)
    return slice(y1, max(y2, y1 + 1)), slice(x1, max(x2, x1 + 1))


def _ellipse(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """The ellipse inscribed in a box, bool ``(height, width)``."""
    centre, size = (part[0] for part in centre_and_size(box[None]))
    y, x = np.ogrid[:height, :width]
    rx, ry = np.maximum(size / 2, 0.5)
    return ((x + 0.5 - centre[0]) / rx) ** 2 + ((y + 0.5 - centre[1]) / ry) ** 2 <= 1
