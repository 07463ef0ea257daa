"""DaSiamRPN: a SiamRPN network, run as in its authors' VOT-2018 entry."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS, TRACKERS
from mmvos.structures import InputError, centre_and_size, settings_from
from mmvos.utils.checkpoint import read_checkpoint, state_dict_of

from .base import BoxTracker, TrackerState, Tracks
from .siamrpn import TemplateKernels

#: largest logarithm of a proposal's width or height over its anchor's: beyond any real change, and far from an overflow
LOG_CHANGE = 20.0


@dataclass(frozen=True)
class LongTermSettings:
    """What to do about lost targets, in the way of SiamRPN++'s long-term tracker (STVIR/pysot).

    A target whose score falls below ``low`` is lost: it stays where it is and is searched for in larger crops at the same
    scale, until its score exceeds ``high``.

    Args:
        low (float): score below which a target is lost (0: never).
        high (float): score above which it is found again.
        instance_size (int): side of the larger crop at the network; 783 pixels give 83 x 83 positions.
        window_influence (float): weight of the cosine window in the larger crop.
    """

    low: float = 0.85
    high: float = 0.998
    instance_size: int = 783
    window_influence: float = 0.001


@dataclass
class SiameseTarget:
    """One target.

    Attributes:
        centre (np.ndarray): centre (x, y) in pixels of the frame, float64.
        size (np.ndarray): width and height, float64.
        regression (Tensor): kernels of its template for the box.
        classification (Tensor): kernels of its template for the score.
        instance_size (int): side of its search crops at the network.
        padding (np.ndarray): mean colour of its first frame, uint8 BGR, which pads its crops.
        lost (bool): it is lost (only with long-term search).
    """

    centre: np.ndarray
    size: np.ndarray
    regression: Tensor
    classification: Tensor
    instance_size: int
    padding: np.ndarray
    lost: bool = False


@TRACKERS.register_module()
class DaSiamRPN(BaseModule, BoxTracker):
    """The tracker of the public DaSiamRPN release, which has neither distractor memory nor growing search.

    The position follows the best proposal at once; the size is smoothed with the rate penalty * score * ``lr``; the
    template never changes. It never reports a loss, unless ``long_term`` is given. The network is always in evaluation
    mode; a model that uses the tracker neither trains its weights nor stores them in its own checkpoints: they come
    from their own file.

    Args:
        network (dict): config of the network, :class:`SiamRPN`.
        checkpoint (str | None): file of its converted weights; read when the first target is started.
        lr (float): rate of the size update.
        window_influence (float): weight of the cosine window, which favours small displacements.
        penalty_k (float): strength of the penalty on changes of size and ratio.
        instance_size (int): side of the search crop at the network.
        small_instance_size (int | None): the same for a target below ``small_area`` of its first frame (None:
            ``instance_size``).
        small_area (float): share of the frame.
        ratios (Sequence[float]): height / width of the anchors.
        scale (int): side of the square anchor in strides.
        min_size (float): smallest width and height of a box in pixels.
        long_term (dict | None): what to do about lost targets, a :class:`LongTermSettings` (None, as in the release: a target
            is never lost).
        init_cfg (dict | None): not used; weights come from ``checkpoint``.

    Raises:
        InputError: ratios that do not fit the network, or an unknown setting of ``long_term``.
    """

    exemplar_size = 127
    stride = 8
    context = 0.5

    def __init__(
        self,
        network: dict,
        checkpoint: str | None = None,
        lr: float = 0.295,
        window_influence: float = 0.42,
        penalty_k: float = 0.055,
        instance_size: int = 271,
        small_instance_size: int | None = 287,
        small_area: float = 0.004,
        ratios: Sequence[float] = (0.33, 0.5, 1, 2, 3),
        scale: int = 8,
        min_size: float = 10.0,
        long_term: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        object.__setattr__(self, 'network', MODELS.build(network))  # hidden from state_dict() and parameters()
        self.checkpoint = checkpoint
        self.lr, self.window_influence, self.penalty_k = lr, window_influence, penalty_k
        self.instance_size, self.small_area = instance_size, small_area
        self.small_instance_size = small_instance_size or instance_size
        self.ratios, self.scale, self.min_size = tuple(ratios), scale, min_size
        never = LongTermSettings(low=0.0)
        self.long_term = never if long_term is None else settings_from(LongTermSettings, long_term, 'DaSiamRPN.long_term')
        if len(self.ratios) != self.network.num_anchors:
            raise InputError(f'{len(self.ratios)} anchor ratios for a network with {self.network.num_anchors} anchors.')
        self.network.requires_grad_(False)
        self.network.eval()

    def _apply(self, function: Callable, recurse: bool = True) -> 'DaSiamRPN':
        self.network._apply(function)  # .to(device), .half(), ...
        return super()._apply(function, recurse)

    def load_weights(self, path: str) -> None:
        """Read a converted checkpoint; every key must fit.

        Raises:
            FileNotFoundError, InputError: no such file, or not the weights of this network; the message names it.
        """
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f'{path}: weights of the tracker not found. Convert a checkpoint of the DaSiamRPN '
                'release with tools/model_converters/convert_checkpoint.py.'
            )
        weights = state_dict_of(read_checkpoint(path))
        try:
            self.network.load_state_dict(weights, strict=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise InputError(f"{path}: these are not the weights of this tracker's network ({reason}).") from error
        self.checkpoint = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.network.regression_adjust.weight.device

    @torch.no_grad()
    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[SiameseTarget]:
        if self.checkpoint:
            self.load_weights(self.checkpoint)
        padding = frame.mean((0, 1)).astype(np.uint8)
        centres, sizes = centre_and_size(boxes)
        sides = [round(float(context_side(size, self.context))) for size in sizes]
        crops = [crop(frame, centre, side, self.exemplar_size, padding) for centre, side in zip(centres, sides, strict=True)]
        kernels = self.network.embed(self._to_tensor(crops))
        frame_area = frame.shape[0] * frame.shape[1]
        return [
            SiameseTarget(centre, size, regression, classification, self._instance_size(size, frame_area), padding)
            for centre, size, regression, classification in zip(centres, sizes, *kernels, strict=True)
        ]

    def _instance_size(self, size: np.ndarray, frame_area: int) -> int:
        return self.small_instance_size if size.prod() / frame_area < self.small_area else self.instance_size

    @override
    def _follow(
        self,
        frame: np.ndarray,
        targets: list[SiameseTarget],
        state: TrackerState,
        flow_bwd: Tensor | None,
        masks: Tensor | None,
    ) -> tuple[Tracks, list[SiameseTarget]]:
        moved, scores = list(targets), np.zeros(len(targets))
        sizes = [self.search_size(target) for target in targets]
        for instance_size in sorted(set(sizes)):  # one batch per size of the search crop
            members = [i for i, size in enumerate(sizes) if size == instance_size]
            for i, (target, score) in zip(members, self.search(frame, [targets[i] for i in members]), strict=True):
                moved[i], scores[i] = target, score
        centres, extents = np.stack([t.centre for t in moved]), np.stack([t.size for t in moved])
        boxes = np.concatenate((centres - extents / 2, centres + extents / 2), 1)
        return Tracks(boxes, scores, np.array([not target.lost for target in moved])), moved

    def search(self, frame: np.ndarray, targets: list[SiameseTarget]) -> list[tuple[SiameseTarget, float]]:
        """New state and score of each target.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            targets (list[SiameseTarget]): targets with one size of search crop.
        """
        crops = [self.search_crop(frame, target) for target in targets]
        kernels = TemplateKernels(
            torch.stack([t.regression for t in targets]), torch.stack([t.classification for t in targets])
        )
        deltas, scores = self.network(self._to_tensor(crops), kernels)
        results = []
        for target, delta, score in zip(targets, deltas, scores, strict=True):
            boxes, probability, penalty, weighted = self.rate_proposals(target, delta, score)
            best = int(weighted.argmax())
            lost = self._is_lost(target, probability[best])
            if probability[best] < self.long_term.low:
                results.append((replace(target, lost=lost), float(probability[best])))
                continue
            rate = penalty[best] * probability[best] * self.lr
            scale = self.crop_scale(target)
            height, width = frame.shape[:2]
            centre = target.centre + boxes[best, :2] / scale
            size = target.size * (1 - rate) + boxes[best, 2:] / scale * rate
            centre = np.clip(centre, 0, (width, height))
            size = np.clip(size, self.min_size, (width, height))
            results.append((replace(target, centre=centre, size=size, lost=lost), float(probability[best])))
        return results

    def _is_lost(self, target: SiameseTarget, score: float) -> bool:
        return score < self.long_term.low or (target.lost and score <= self.long_term.high)

    def search_size(self, target: SiameseTarget) -> int:
        """Side of the search crop at the network."""
        return self.long_term.instance_size if target.lost else target.instance_size

    def crop_scale(self, target: SiameseTarget) -> float:
        """Crop pixels per frame pixel."""
        return self.exemplar_size / float(context_side(target.size, self.context))

    def search_crop(self, frame: np.ndarray, target: SiameseTarget) -> np.ndarray:
        """The search crop, uint8 ``(s, s, 3)``.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            target (SiameseTarget): the target.
        """
        size = self.search_size(target)
        return crop(frame, target.centre, round(size / self.crop_scale(target)), size, target.padding)

    def rate_proposals(
        self, target: SiameseTarget, deltas: Tensor, scores: Tensor
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All proposals of one target.

        Args:
            target (SiameseTarget): the target.
            deltas (Tensor): ``(4K, S, S)``.
            scores (Tensor): ``(2K, S, S)``.

        Returns:
            Boxes ``(P, 4)`` as (cx, cy, w, h) in crop pixels from the crop's centre; probability of the object,
            penalty, and penalised and windowed score, ``(P,)`` each; P = K S S, anchor by anchor.
        """
        positions = scores.shape[-1]
        anchors = anchor_boxes(self.ratios, self.scale, self.stride, positions)
        dx, dy, dw, dh = deltas.reshape(4, -1).double().cpu().numpy()
        probability = scores.reshape(2, -1).softmax(0)[1].double().cpu().numpy()
        boxes = np.stack(
            (
                dx * anchors[:, 2] + anchors[:, 0],
                dy * anchors[:, 3] + anchors[:, 1],
                np.exp(dw.clip(-LOG_CHANGE, LOG_CHANGE)) * anchors[:, 2],
                np.exp(dh.clip(-LOG_CHANGE, LOG_CHANGE)) * anchors[:, 3],
            ),
            1,
        )
        last = target.size * self.crop_scale(target)
        size_change = change(context_side(boxes[:, 2:], self.context) / context_side(last, self.context))
        ratio_change = change((last[0] / last[1]) / (boxes[:, 2] / boxes[:, 3]))
        penalty = np.exp(-(ratio_change * size_change - 1) * self.penalty_k)
        window = cosine_window(len(self.ratios), positions)
        influence = self.long_term.window_influence if target.lost else self.window_influence
        weighted = penalty * probability * (1 - influence) + window * influence
        return boxes, probability, penalty, weighted

    def _to_tensor(self, crops: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2).float()


def context_side(size: np.ndarray, context: float) -> np.ndarray:
    """Side of the square with the area of the box ``(..., 2)`` enlarged by the context on both sides."""
    margin = context * size.sum(-1)
    return np.sqrt((size[..., 0] + margin) * (size[..., 1] + margin))


def change(ratio: np.ndarray) -> np.ndarray:
    """How far a ratio is from 1, in either direction."""
    return np.maximum(ratio, 1 / ratio)


def crop(frame: np.ndarray, centre: np.ndarray, side: int, out_size: int, padding: np.ndarray) -> np.ndarray:
    """A square around ``centre``, filled with ``padding`` outside the frame, resized to ``out_size``: uint8 ``(s, s,
    3)``."""
    height, width = frame.shape[:2]
    x0, y0 = (round(float(c) - (side + 1) / 2) for c in centre)
    patch = np.empty((side, side, 3), np.uint8)
    patch[:] = padding
    left, right, top, bottom = max(x0, 0), min(x0 + side, width), max(y0, 0), min(y0 + side, height)
    if right > left and bottom > top:
        patch[top - y0 : bottom - y0, left - x0 : right - x0] = frame[top:bottom, left:right]
    return patch if side == out_size else cv2.resize(patch, (out_size, out_size))


@lru_cache(maxsize=8)
def anchor_boxes(ratios: tuple[float, ...], scale: int, stride: int, positions: int) -> np.ndarray:
    """Anchors (cx, cy, w, h) ``(K S S, 4)``, anchor by anchor, relative to the crop's centre.

    The grid begins at ``-(S // 2) * stride``, an integer division: the middle position of an odd grid is the centre.
    """
    shapes = []
    for ratio in ratios:
        width = int(np.sqrt(stride * stride / ratio))
        shapes.append((width * scale, int(width * ratio) * scale))
    offsets = (np.arange(positions) - positions // 2) * stride
    cy, cx = np.meshgrid(offsets, offsets, indexing='ij')
    grid = np.stack((cx, cy), -1).reshape(-1, 2)
    anchors = [np.concatenate((grid, np.broadcast_to(shape, grid.shape)), 1) for shape in shapes]
    return np.concatenate(anchors).astype(float)


@lru_cache(maxsize=8)
def cosine_window(num_anchors: int, positions: int) -> np.ndarray:
    """Outer product of two Hann windows (0 at the ends), once per anchor: ``(K S S,)``."""
    return np.tile(np.outer(np.hanning(positions), np.hanning(positions)).ravel(), num_anchors)
