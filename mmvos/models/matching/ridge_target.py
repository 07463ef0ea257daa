"""A discriminative model of the objects of one video: ridge regression from frozen features to labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS


class Moments(NamedTuple):
    """Weighted sums over cells: ``gram`` ``(D, D)`` of features with themselves, ``cross`` ``(D, L)`` with targets.

    D is the number of channels + 1 (the last feature is 1); a target is 1 in its label and -1 outside.
    """

    gram: Tensor
    cross: Tensor

    def mix(self, other: 'Moments', share: float) -> 'Moments':
        """``1 - share`` of this, ``share`` of the other."""
        return Moments(self.gram.lerp(other.gram, share), self.cross.lerp(other.cross, share))


@dataclass
class TargetState:
    """What is known of L labels (background first); constant in size.

    ``mean``, ``scale``: of each channel in the first frame, ``(C, )``; ``prompt``: moments of the prompts' frames, of
    which there are ``num_prompts``; ``recent``: of later frames (or None); ``weights``: ``(L, C + 1)``, of the features
    as they come; ``waited``: frames since the last refit.
    """

    mean: Tensor
    scale: Tensor
    prompt: Moments
    num_prompts: int
    recent: Moments | None
    weights: Tensor
    waited: int = 0


@MODELS.register_module()
class RidgeTarget(nn.Module):
    """Linear scores of the labels, fitted in closed form to the prompts' frames and, with little weight, to later ones.

    It sees the whole frame and knows no positions, so it finds an object again where propagation has lost it, and
    rejects what has leaked into the mask. The idea of a target model that is fitted to one video on top of frozen
    features is that of Robinson et al., "Learning Fast and Robust Target Models for Video Object Segmentation", CVPR
    2020, and Bhat et al., "Learning What to Learn for Video Object Segmentation", ECCV 2020; here it is one linear
    system for all labels, without a learned part. Every label has the same share of the weights, however small it is.

    Args:
        ridge: added to the diagonal of the moments, whose features have variance about 1.
        memory_share: weight of later frames against the prompts' (0: the fit stays that of the prompts).
        memory_rate: share of the newest frame in the moments of the later ones.
        interval: frames between two refits.
        confidence: cells of later frames count where two opinions agree on a label and both give it at least this.
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
        self.ridge, self.memory_share, self.memory_rate = ridge, memory_share, memory_rate
        self.interval, self.confidence = interval, confidence

    @torch.no_grad()
    def start(self, features: Sequence[Tensor], labels: Tensor) -> TargetState:
        """Fit to a prompt's frame.

        Args:
            features: maps ``(C_i, h_i, w_i)``, together C channels.
            labels: shares of the labels in each cell ``(L, h, w)``, sum 1, background first.
        """
        flat = [f.float().flatten(1) for f in features]
        mean = torch.cat([f.mean(1) for f in flat])
        scale = 1 / (torch.cat([f.std(1) for f in flat]) + 1e-3)
        state = TargetState(mean, scale, None, 1, None, None)
        state.prompt = self._moments(features, labels, state)
        return self._fit(state)

    @torch.no_grad()
    def extend(self, features: Sequence[Tensor], labels: Tensor, state: TargetState) -> TargetState:
        """The state with a further prompt's frame; ``labels`` may have more labels than before, at the end."""
        grown = len(labels) - state.prompt.cross.shape[1]

        def widen(moments: Moments | None) -> Moments | None:
            if moments is None or not grown:
                return moments
            nowhere = -moments.gram[:, -1:].expand(-1, grown)  # the new labels' target has been -1 everywhere
            return Moments(moments.gram, torch.cat([moments.cross, nowhere], 1))

        prompt = widen(state.prompt).mix(self._moments(features, labels, state), 1 / (state.num_prompts + 1))
        return self._fit(replace(state, prompt=prompt, num_prompts=state.num_prompts + 1, recent=widen(state.recent)))

    @torch.no_grad()
    def score(self, features: Sequence[Tensor], size: tuple[int, int], state: TargetState) -> Tensor:
        """Scores ``(L, h, w)`` of a frame at ``size`` (h, w): about 1 where a label is and -1 where it is not."""
        weights = state.weights[:, :-1].split([len(f) for f in features], 1)
        total = state.weights[:, -1, None, None]
        for feature, weight in zip(features, weights, strict=True):
            part = torch.einsum('lc,chw->lhw', weight, feature.float())
            total = total + _resize(part, size)
        return total

    @torch.no_grad()
    def update(self, features: Sequence[Tensor], first: Tensor, second: Tensor, state: TargetState) -> TargetState:
        """The state after a frame of which there are two opinions ``(L, h, w)``, each of sum 1."""
        if not self.memory_share or state.waited + 1 < self.interval:
            return replace(state, waited=state.waited + 1)
        (p, label), (q, other) = first.max(0), second.max(0)
        trusted = (label == other) & (torch.minimum(p, q) >= self.confidence)
        if not trusted.any():
            return state
        labels = F.one_hot(label, len(first)).permute(2, 0, 1).to(first.dtype)
        moments = self._moments(features, labels, state, trusted)
        recent = moments if state.recent is None else state.recent.mix(moments, self.memory_rate)
        return self._fit(replace(state, recent=recent, waited=0))

    @torch.no_grad()
    def keep(self, indices: Sequence[int], state: TargetState) -> TargetState:
        """The state with only these objects; what the others covered counts as background from here on."""
        kept = [i + 1 for i in indices]

        def merge(moments: Moments | None) -> Moments | None:
            if moments is None:
                return None
            dropped = [i for i in range(1, moments.cross.shape[1]) if i not in kept]
            # in a dropped label's cells the background's target rises from -1 to 1
            rise = (moments.cross[:, dropped] + moments.gram[:, -1:]).sum(1, keepdim=True)
            return Moments(moments.gram, torch.cat([moments.cross[:, :1] + rise, moments.cross[:, kept]], 1))

        return self._fit(replace(state, prompt=merge(state.prompt), recent=merge(state.recent)))

    def _moments(
        self, features: Sequence[Tensor], labels: Tensor, state: TargetState, counted: Tensor | None = None
    ) -> Moments:
        size = labels.shape[-2:]
        x = torch.cat([_resize(f.float(), size) for f in features]).flatten(1)
        labels = labels.float().flatten(1)
        if counted is not None:
            x, labels = x[:, counted.flatten()], labels[:, counted.flatten()]
        x = (x - state.mean[:, None]) * state.scale[:, None]
        x = torch.cat([x, torch.ones_like(x[:1])])
        mass = labels.sum(1, keepdim=True)
        weight = (labels / mass.clamp(min=1e-6)).sum(0) / len(labels)
        weighted = x * weight
        return Moments(weighted @ x.t(), weighted @ (2 * labels - 1).t())

    def _fit(self, state: TargetState) -> TargetState:
        moments = state.prompt
        if state.recent is not None:
            moments = moments.mix(state.recent, self.memory_share)
        gram = moments.gram + self.ridge * torch.eye(len(moments.gram), device=moments.gram.device)
        solution = torch.cholesky_solve(moments.cross, torch.linalg.cholesky(gram)).t()
        weights = solution[:, :-1] * state.scale
        bias = solution[:, -1:] - (weights * state.mean).sum(1, keepdim=True)
        return replace(state, weights=torch.cat([weights, bias], 1))


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """``(C, h, w)`` at another size."""
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]
