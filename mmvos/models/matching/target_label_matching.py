"""Label matching that asks a target model for a second opinion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import InputError

from .label_matching import LabelMatching, own_and_strongest_other
from .label_memory import FrameKeys, LabelMemory, ReadLabels, label_shares
from .ridge_target import TargetState

#: scores are cut off at -MAX_SCORE and MAX_SCORE: far beyond 1 a linear score says no more about a label than at 1
MAX_SCORE = 1.5
#: share that every label keeps, however little of it was propagated, so that it can come back
MIN_LABEL = 0.02


@dataclass
class TargetLabelMemory(LabelMemory):
    """A :class:`LabelMemory`, and ``target``: what the target model knows."""

    target: TargetState


@MODELS.register_module()
class TargetLabelMatching(LabelMatching):
    """Label matching with a target model, whose scores are further evidence.

    The logarithms of the propagated labels and the weighted scores are added; the labels are the softmax of the sums.

    Args:
        target (dict): config of the target model (``RidgeTarget``).
        target_levels (Sequence[int]): which of the backbone's maps it sees.
        score_weight (float): what a score of 1 adds to the logarithm of a label.
        background_bias (float): what is added to the background's score, against objects.
        target_memory_update (float): share, 0..1, of the labels after the target model was asked in what is remembered as
            the labels that were read; the rest are the propagated ones.
        kwargs (dict): arguments of :class:`LabelMatching`; in training, the scores get a smooth field of up to ``noise_scale``
            standard deviations, too.

    Raises:
        InputError: no ``target_levels``.
    """

    out_channels = 4

    def __init__(
        self,
        *,
        target: dict,
        target_levels: Sequence[int],
        score_weight: float = 1.0,
        background_bias: float = 0.2,
        target_memory_update: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not target_levels:
            raise InputError('TargetLabelMatching.target_levels is empty; expected the maps that the target model sees.')
        self.target, self.target_levels = MODELS.build(target), tuple(target_levels)
        self.score_weight, self.background_bias = score_weight, background_bias
        self.target_memory_update = target_memory_update

    def embed(self, maps: Sequence[Tensor]) -> list[FrameKeys]:
        seen = [maps[i] for i in self.target_levels]
        return [FrameKeys(frame.keys, tuple(m[b] for m in seen)) for b, frame in enumerate(super().embed(maps))]

    @torch.no_grad()
    def start(self, frame: FrameKeys, masks: Tensor) -> TargetLabelMemory:
        memory = super().start(frame, masks)
        target = self.target.start(frame.maps, memory.prompts[0].labels)
        return TargetLabelMemory(memory.prompts, memory.recent, target)

    @torch.no_grad()
    def add(self, frame: FrameKeys, masks: Tensor, memory: TargetLabelMemory) -> TargetLabelMemory:  # type: ignore[override]  # its memory holds a target model as well
        grown = super().add(frame, masks, memory)
        target = self.target.extend(frame.maps, label_shares(masks, frame.keys.shape[-2:]), memory.target)
        return TargetLabelMemory(grown.prompts, grown.recent, target)

    @torch.no_grad()
    def read(self, frame: FrameKeys, memory: TargetLabelMemory) -> ReadLabels:  # type: ignore[override]  # its memory holds a target model as well
        propagated = super().read(frame, memory).labels
        scores = self.target.score(frame.maps, propagated.shape[-2:], memory.target)
        if self.training and self.noise_scale:
            scores = scores + self._noise_like(scores)
        evidence = scores.clamp(-MAX_SCORE, MAX_SCORE)
        evidence[0] += self.background_bias
        labels = (propagated.clamp(min=MIN_LABEL).log() + self.score_weight * evidence).softmax(0)
        return ReadLabels(labels, propagated, scores)

    def _noise_like(self, scores: Tensor) -> Tensor:
        coarse = torch.randn(1, len(scores), *((side + 7) // 8 for side in scores.shape[-2:]), device=scores.device)
        field = F.interpolate(coarse, scores.shape[-2:], mode='bilinear', align_corners=False)[0]
        return self.noise_scale * torch.rand(1, device=scores.device) * field

    @torch.no_grad()
    def remember(  # type: ignore[override]  # its memory holds a target model as well
        self, frame: FrameKeys, read: ReadLabels, scores: Tensor, memory: TargetLabelMemory
    ) -> TargetLabelMemory:
        made = label_shares(scores, frame.keys.shape[-2:])
        target = self.target.update(frame.maps, read.propagated, made, memory.target)
        after = super().remember(frame, read, scores, memory)
        return TargetLabelMemory(after.prompts, after.recent, target)

    def _to_remember(self, read: ReadLabels) -> Tensor:
        return torch.lerp(read.propagated, read.labels, self.target_memory_update)

    def cues(self, read: ReadLabels) -> Tensor:
        """As of :class:`LabelMatching`; also its own propagated label, and its lead in the scores."""
        own, other = own_and_strongest_other(read.labels[1:], 0.0)
        score, rival = own_and_strongest_other(read.scores[1:], -1.0)
        lead = (score - torch.maximum(rival, read.scores[:1])) / 2
        return torch.stack([own, other, read.propagated[1:], lead], 1)
