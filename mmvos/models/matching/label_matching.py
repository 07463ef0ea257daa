"""What matching with remembered frames says of a new one: a memory of features and labels, bounded in size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.models.matching.label_propagation import unit_features
from mmvos.models.matching.ridge_target import TargetState
from mmvos.registry import MODELS

#: features (C, h, w) and labels (N + 1, h, w), background first
Reference = tuple[Tensor, Tensor]


class FrameKeys(NamedTuple):
    """A frame as it is matched: ``keys`` ``(C, h, w)``, of unit length; ``maps``: the target model's features."""

    keys: Tensor
    maps: tuple[Tensor, ...] = ()


class ReadLabels(NamedTuple):
    """``labels`` ``(N + 1, h, w)``, background first, sum 1; ``propagated``: the same before the target model was asked;
    ``scores``: what that said ``(N + 1, h, w)`` (or None).
    """

    labels: Tensor
    propagated: Tensor
    scores: Tensor | None = None


@dataclass
class LabelMemory:
    """Frames that labels are read from.

    ``prompts``: the frames in which objects were given; ``recent``: the last few, oldest first; ``target``: state of the
    target model (or None); ``fresh``: the last of ``prompts`` is the frame in hand, and what is outside its new objects
    is not labelled yet.
    """

    prompts: list[Reference]
    recent: list[Reference]
    target: TargetState | None = None
    fresh: bool = False


@MODELS.register_module()
class LabelMatching(nn.Module):
    """Reads every cell's label from the cells of remembered frames that look like it. Nothing here is learned.

    With a target model, its scores are further evidence: the logarithms of the propagated labels (bounded, so that none
    is beyond recall) and the scores are added, and the labels are the softmax of the sums.

    Args:
        propagation: config of the read-out (``LabelPropagation``).
        lags: which of the last frames are read beside those of the prompts; 1 is the previous one.
        levels: which of the backbone's maps are compared, at the size of the first of them.
        level_weights: weight of each of them in the similarity (default: equal).
        feedback: what is remembered of a frame: 0, the labels that were read in it; 1, what the model made of them;
            between, their mean with this weight.
        train_noise: in training, features are disturbed by noise of a random length up to this (their own is 1), and the
            target model's scores by a smooth field of this deviation, so that what is built on the labels learns from
            labels with errors; synthetic clips match too well.
        target: config of a target model (``RidgeTarget``), or None.
        target_levels: which of the backbone's maps it sees.
        strength: of its scores (cut off at -1.5 and 1.5): a score of 1 for a label and -1 for another shifts their log odds
            by this.
        caution: added to the background's score, before ``strength``, against objects.
        target_feedback: what the memory takes for the labels read: 0, the propagated ones; 1, those after the target
            model was asked; between, their mean with this weight.
    """

    def __init__(
        self,
        propagation: dict,
        lags: Sequence[int] = (1, 2, 3),
        levels: Sequence[int] = (-2, -1),
        level_weights: Sequence[float] | None = None,
        feedback: float = 1.0,
        train_noise: float = 0.0,
        target: dict | None = None,
        target_levels: Sequence[int] = (),
        strength: float = 2.0,
        caution: float = 0.1,
        target_feedback: float = 0.5,
    ) -> None:
        super().__init__()
        self.propagation = MODELS.build(propagation)
        self.target = MODELS.build(target) if target else None
        if self.target is not None and not target_levels:
            raise ValueError('the target model needs target_levels, the maps that it sees.')
        self.lags, self.levels, self.level_weights = tuple(lags), tuple(levels), level_weights
        self.feedback, self.train_noise = feedback, train_noise
        self.target_levels, self.strength, self.caution = tuple(target_levels), strength, caution
        self.target_feedback = target_feedback

    @property
    def out_channels(self) -> int:
        """Channels of :meth:`cues`."""
        return 2 if self.target is None else 4

    def embed(self, maps: Sequence[Tensor]) -> list[FrameKeys]:
        """One entry per image, from the backbone's maps ``(B, C_i, h_i, w_i)``, finest first; with their gradients."""
        keys = torch.stack(
            [unit_features(tuple(maps[i][b : b + 1] for i in self.levels), self.level_weights) for b in range(len(maps[0]))]
        )
        if self.training and self.train_noise:
            length = self.train_noise * torch.rand(len(keys), 1, 1, 1, device=keys.device)
            noise = torch.randn_like(keys) * length / keys.shape[1] ** 0.5
            keys = F.normalize(keys + noise, dim=1)
        target_levels = self.target_levels if self.target is not None else ()
        return [FrameKeys(key, tuple(maps[i][b] for i in target_levels)) for b, key in enumerate(keys)]

    @torch.no_grad()
    def start(self, frame: FrameKeys, masks: Tensor) -> LabelMemory:
        """A memory of the frame in which objects with masks ``(N, H, W)`` are given."""
        given = _shares(masks, frame.keys)
        labels = torch.cat([1 - given.sum(0, keepdim=True).clamp(max=1), given])
        target = self.target.start(frame.maps, labels) if self.target is not None else None
        return LabelMemory([(frame.keys, labels)], [], target)

    @torch.no_grad()
    def add(self, frame: FrameKeys, masks: Tensor, memory: LabelMemory) -> LabelMemory:
        """The memory with M further objects, which are nowhere in the frames before this one."""
        given = _shares(masks, frame.keys)

        def widen(references: list[Reference]) -> list[Reference]:
            return [
                (f, torch.cat([labels, torch.zeros_like(labels[:1]).expand(len(masks), -1, -1)])) for f, labels in references
            ]

        known = len(memory.prompts[0][1])
        here = torch.cat([torch.zeros_like(given[:1]).expand(known, -1, -1), given])
        return LabelMemory([*widen(memory.prompts), (frame.keys, here)], widen(memory.recent), memory.target, fresh=True)

    @torch.no_grad()
    def read(self, frame: FrameKeys, memory: LabelMemory) -> ReadLabels:
        """The labels of a frame."""
        references = [(f, labels, False) for f, labels in memory.prompts]
        references += [(*memory.recent[-lag], True) for lag in self.lags if lag <= len(memory.recent)]
        labels = self.propagation(frame.keys, references)
        if memory.fresh:
            total = labels.sum(0, keepdim=True)  # cells that are not labelled yet say nothing
            background = (torch.arange(len(labels), device=labels.device) == 0).to(labels.dtype).view(-1, 1, 1)
            labels = torch.where(total > 0.05, labels / total.clamp(min=0.05), background)
        if self.target is None:
            return ReadLabels(labels, labels)
        scores = self.target.score(frame.maps, labels.shape[-2:], memory.target)
        # objects that are given in this very frame are where they are given, as the propagated labels say
        scores = torch.cat([scores, -torch.ones_like(scores[:1]).expand(len(labels) - len(scores), -1, -1)])
        if self.training and self.train_noise:
            coarse = torch.randn(1, len(scores), *((side + 7) // 8 for side in scores.shape[-2:]), device=scores.device)
            scores = (
                scores
                + self.train_noise
                * torch.rand(1, device=scores.device)
                * F.interpolate(coarse, scores.shape[-2:], mode='bilinear', align_corners=False)[0]
            )
        # beyond +-1 a linear score says no more about a label than at +-1
        evidence = scores.clamp(-1.5, 1.5)
        evidence[0] += 2 * self.caution
        combined = (labels.clamp(min=0.02).log() + self.strength / 2 * evidence).softmax(0)
        return ReadLabels(combined, labels, scores)

    @torch.no_grad()
    def remember(self, frame: FrameKeys, scores: Tensor | None, read: ReadLabels, memory: LabelMemory) -> LabelMemory:
        """The memory after a frame.

        Args:
            frame: of the frame.
            scores: the model's probabilities ``(N + 1, H, W)``, sum 1 (None: it takes the labels as they were read).
            read: of :meth:`read`.
            memory: before the frame.
        """
        labels = torch.lerp(read.propagated, read.labels, self.target_feedback)
        made = read.labels if scores is None else _shares(scores, frame.keys).to(labels.dtype)
        if scores is not None:
            labels = torch.lerp(labels, made, self.feedback)
        prompts, target = memory.prompts, memory.target
        if memory.fresh:
            given = prompts[-1][1]
            complete = given + labels * (1 - given.sum(0, keepdim=True))
            prompts = [*prompts[:-1], (frame.keys, complete)]
        if target is not None:
            target = (
                self.target.extend(frame.maps, complete, target)
                if memory.fresh
                else self.target.update(frame.maps, read.propagated, made, target)
            )
        recent = [*memory.recent, (frame.keys, labels)][-max(self.lags) :] if self.lags else []
        return LabelMemory(prompts, recent, target)

    def keep(self, indices: Sequence[int], memory: LabelMemory) -> LabelMemory:
        """The memory with only these objects; what the others covered becomes background."""

        def kept(references: list[Reference]) -> list[Reference]:
            chosen = []
            for features, labels in references:
                objects = labels[[i + 1 for i in indices]]
                background = labels.sum(0, keepdim=True) - objects.sum(0, keepdim=True)
                chosen.append((features, torch.cat([background, objects])))
            return chosen

        target = self.target.keep(indices, memory.target) if memory.target is not None else None
        return replace(memory, prompts=kept(memory.prompts), recent=kept(memory.recent), target=target)

    def cues(self, read: ReadLabels) -> Tensor:
        """What was read, seen by each object, ``(N, out_channels, h, w)``: its own label and the largest of the others;
        with a target model also its own propagated label, and its lead in the scores.
        """
        own, other = _own_and_strongest_other(read.labels[1:], 0.0)
        if read.scores is None:
            return torch.stack([own, other], 1)
        score, rival = _own_and_strongest_other(read.scores[1:], -1.0)
        lead = (score - torch.maximum(rival, read.scores[:1])) / 2
        return torch.stack([own, other, read.propagated[1:], lead], 1)


def _own_and_strongest_other(objects: Tensor, none: float) -> tuple[Tensor, Tensor]:
    """``(N, h, w)`` twice: as given, and the largest of the other objects (``none`` where there is none)."""
    if len(objects) == 1:
        return objects, torch.full_like(objects, none)
    top, which = objects.topk(2, dim=0)
    own = torch.arange(len(objects), device=objects.device).view(-1, 1, 1)
    return objects, torch.where(which[:1] == own, top[1:], top[:1])


def _shares(masks: Tensor, features: Tensor) -> Tensor:
    """Averages of masks ``(N, H, W)`` over the cells of ``features``."""
    return F.adaptive_avg_pool2d(masks.float()[None], features.shape[-2:])[0]
