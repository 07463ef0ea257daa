"""A discriminative model of the objects of one video: ridge regression from frozen features to labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.utils.amp import in_float32


class Moments(NamedTuple):
    """Weighted sums over cells, of one fit or of several: ``gram`` ``(..., D, D)`` of features with themselves, ``cross``
    ``(..., D, L)`` with targets.

    D is the number of channels + 1 (the last feature is 1); a target is 1 in its label and -1 outside.
    """

    gram: Tensor
    cross: Tensor

    def mix(self, other: 'Moments', share: float) -> 'Moments':
        """``1 - share`` of this, ``share`` of the other."""
        return Moments(self.gram.lerp(other.gram, share), self.cross.lerp(other.cross, share))

    def widen(self, count: int) -> 'Moments':
        """The same with ``count`` further labels at the end, whose target has been -1 everywhere."""
        nowhere = -self.gram[..., -1:].expand(*self.gram.shape[:-1], count)
        return Moments(self.gram, torch.cat([self.cross, nowhere], -1))

    def keep(self, labels: Sequence[int]) -> 'Moments':
        """The same with only the background and these labels, from 1 on; the cells of the others become background."""
        kept = list(labels)
        dropped = [i for i in range(1, self.cross.shape[-1]) if i not in kept]
        # in their cells the background's target rises from -1 to 1
        rise = (self.cross[..., dropped] + self.gram[..., -1:]).sum(-1, keepdim=True)
        return Moments(self.gram, torch.cat([self.cross[..., :1] + rise, self.cross[..., kept]], -1))


@dataclass(frozen=True)
class TargetSettings:
    """How a target model is fitted; see :class:`RidgeTarget`."""

    ridge: float
    memory_share: float


@dataclass(frozen=True)
class TargetState:
    """What is known of L labels (background first); constant in size.

    ``mean``, ``scale``: of each channel in the first frame ``(C,)``; ``prompt``: moments of the prompts; ``recent``: moments
    of later frames, one entry at most; ``weights``: ``(L, C + 1)``, of the features as they come; ``waited``: frames since
    the last refit; ``settings``: how the weights follow from the moments.
    """

    mean: Tensor
    scale: Tensor
    prompt: Moments
    recent: tuple[Moments, ...]
    weights: Tensor
    waited: int
    settings: TargetSettings

    @property
    def num_labels(self) -> int:
        return self.prompt.cross.shape[1]

    def refitted(self, prompt: Moments, recent: tuple[Moments, ...]) -> 'TargetState':
        """The state with other moments and the weights that follow from them."""
        moments = prompt
        for later in recent:
            moments = moments.mix(later, self.settings.memory_share)
        gram = moments.gram + self.settings.ridge * torch.eye(len(moments.gram), device=moments.gram.device)
        # what is factorised is positive definite; asking whether it was would make the host wait for a GPU
        factor, _ = torch.linalg.cholesky_ex(gram)
        solution = torch.cholesky_solve(moments.cross, factor).t()
        weights = solution[:, :-1] * self.scale
        bias = solution[:, -1:] - (weights * self.mean).sum(1, keepdim=True)
        return replace(self, prompt=prompt, recent=recent, weights=torch.cat([weights, bias], 1))

    @torch.no_grad()
    def keep_objects(self, indices: Sequence[int]) -> 'TargetState':
        """The state with only these objects; what the others covered counts as background from here on."""
        labels = [i + 1 for i in indices]
        return self.refitted(self.prompt.keep(labels), tuple(m.keep(labels) for m in self.recent))


@MODELS.register_module()
class RidgeTarget(nn.Module):
    """Linear scores of the labels, fitted in closed form to the prompts and, with little weight, to later frames.

    It sees the whole frame and knows no positions, so it finds an object again where propagation has lost it, and
    rejects what has leaked into the mask. The idea of a target model that is fitted to one video on top of frozen
    features is that of Robinson et al., "Learning Fast and Robust Target Models for Video Object Segmentation", CVPR
    2020, and Bhat et al., "Learning What to Learn for Video Object Segmentation", ECCV 2020; here it is one linear
    system for all labels, without a learned part. Every label has the same share of the weights, however small it is.
    Everything is computed in float32, also under mixed precision.

    Args:
        ridge (float): what is added to the diagonal of the moments, whose features have variance about 1.
        memory_share (float): weight of later frames against the prompts', 0..1 (0: the fit stays that of the prompts).
        memory_rate (float): share of the newest frame in the moments of the later ones, 0..1.
        interval (int): frames between two refits.
        confidence (float): cells of later frames count where two opinions agree on a label and both give it at least this.
    """

    def __init__(
        self,
        ridge: float = 0.2,
        memory_share: float = 0.05,
        memory_rate: float = 0.1,
        interval: int = 1,
        confidence: float = 0.9,
    ) -> None:
        super().__init__()
        self.settings = TargetSettings(ridge, memory_share)
        self.memory_rate, self.interval, self.confidence = memory_rate, interval, confidence

    @torch.no_grad()
    @in_float32
    def start(self, features: Sequence[Tensor], labels: Tensor) -> TargetState:
        """The state after a fit to the frame of the first prompt.

        Args:
            features (Sequence[Tensor]): maps ``(C_i, h_i, w_i)``, together C channels.
            labels (Tensor): shares of the labels in each cell ``(L, h, w)``, sum 1, background first.
        """
        flat = [f.float().flatten(1) for f in features]
        mean = torch.cat([f.mean(1) for f in flat])
        scale = 1 / (torch.cat([f.std(1) for f in flat]) + 1e-3)
        cells = _cells(features, labels.shape[-2:])
        prompt = moments_of(cells, labels.float().flatten(1), mean, scale)
        unfitted = mean.new_zeros(len(labels), len(mean) + 1)
        return TargetState(mean, scale, prompt, (), unfitted, 0, self.settings).refitted(prompt, ())

    @torch.no_grad()
    @in_float32
    def extend(self, features: Sequence[Tensor], given: Tensor, state: TargetState) -> TargetState:
        """The state with M further labels at the end, fitted to the cells of their prompt alone.

        Of the frame's other cells the prompt says nothing; what the new labels are not is known from the frames before,
        in which they were nowhere.

        Args:
            features (Sequence[Tensor]): maps ``(C_i, h_i, w_i)`` of the prompt's frame.
            given (Tensor): shares of the new labels in each cell ``(M, h, w)``.
            state (TargetState): state before.
        """
        known, count = state.num_labels, len(given)
        covered = given.sum(0).flatten() > 0
        shares = given.float().flatten(1)[:, covered]
        nobody = shares.new_zeros(known, shares.shape[1])
        cells = _cells(features, given.shape[-2:])[:, covered]
        here = moments_of(cells, torch.cat([nobody, shares]), state.mean, state.scale, count)
        prompt = state.prompt.widen(count).mix(here, count / (known + count))
        return state.refitted(prompt, tuple(m.widen(count) for m in state.recent))

    @torch.no_grad()
    @in_float32
    def score(self, features: Sequence[Tensor], size: Sequence[int], state: TargetState) -> Tensor:
        """Scores ``(L, h, w)`` of a frame: about 1 where a label is and -1 where it is not.

        Args:
            features (Sequence[Tensor]): maps of the frame, ``(C_i, h_i, w_i)``.
            size (Sequence[int]): ``(h, w)`` of the scores.
            state (TargetState): the state.
        """
        weights = state.weights[:, :-1].split([len(f) for f in features], 1)
        total = state.weights[:, -1, None, None]
        for feature, weight in zip(features, weights, strict=True):
            part = torch.einsum('lc,chw->lhw', weight, feature.float())
            total = total + _resize(part, size)
        return total

    @torch.no_grad()
    @in_float32
    def update(self, features: Sequence[Tensor], first: Tensor, second: Tensor, state: TargetState) -> TargetState:
        """The state after a frame.

        Args:
            features (Sequence[Tensor]): maps of the frame, ``(C_i, h_i, w_i)``.
            first (Tensor): one opinion of its labels, ``(L, h, w)``, sum 1.
            second (Tensor): another one; cells in which both agree are learned from.
            state (TargetState): state before.
        """
        if not self.settings.memory_share or state.waited + 1 < self.interval:
            return replace(state, waited=state.waited + 1)
        (p, label), (q, other) = first.max(0), second.max(0)
        trusted = (label == other) & (torch.minimum(p, q) >= self.confidence)
        if not trusted.any():
            return state
        labels = F.one_hot(label, len(first)).permute(2, 0, 1).float()
        cells = _cells(features, labels.shape[-2:])[:, trusted.flatten()]
        newest = moments_of(cells, labels.flatten(1)[:, trusted.flatten()], state.mean, state.scale)
        recent = tuple(m.mix(newest, self.memory_rate) for m in state.recent) or (newest,)
        return replace(state.refitted(state.prompt, recent), waited=0)


def moments_of(cells: Tensor, labels: Tensor, mean: Tensor, scale: Tensor, balanced: int = 0) -> Moments:
    """Weighted moments of cells.

    Args:
        cells (Tensor): features ``(C, P)`` of P cells.
        labels (Tensor): shares of the labels in them ``(L, P)``.
        mean, scale (Tensor): normalisation of the channels ``(C,)``.
        balanced (int): number of labels, counted from the last, that share the weights equally (0: all of them do).
    """
    x = (cells - mean[:, None]) * scale[:, None]
    x = torch.cat([x, torch.ones_like(x[:1])])
    sharing = labels[-balanced:] if balanced else labels
    weight = (sharing / sharing.sum(1, keepdim=True).clamp(min=1e-6)).sum(0) / len(sharing)
    weighted = x * weight
    return Moments(weighted @ x.t(), weighted @ (2 * labels - 1).t())


def _cells(features: Sequence[Tensor], size: Sequence[int]) -> Tensor:
    """Maps ``(C_i, h_i, w_i)`` at one size as ``(C, h * w)``."""
    return torch.cat([_resize(f.float(), size) for f in features]).flatten(1)


def _resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    """``(C, h, w)`` at another size."""
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]
