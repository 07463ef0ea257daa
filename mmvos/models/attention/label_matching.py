"""What matching with remembered frames says of a new one: a memory of features and labels, bounded in size."""
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS

from .label_propagation import unit_features

#: features (C, h, w) and labels (N + 1, h, w), background first
Reference = Tuple[Tensor, Tensor]


@dataclass
class LabelMemory:
    """Frames that labels are read from.

    ``prompts``: the frames in which objects were given; ``recent``: the last few, oldest first; ``fresh``: the last of
    ``prompts`` is the frame in hand, and what is outside its new objects is not labelled yet.
    """
    prompts: List[Reference]
    recent: List[Reference]
    fresh: bool = False


@MODELS.register_module()
class LabelMatching(nn.Module):
    """Reads every cell's label from the cells of remembered frames that look like it. Nothing here is learned.

    Args:
        propagation: config of the read-out (``LabelPropagation``).
        num_recent: how many of the last frames are remembered beside those of the prompts.
        levels: how many of the backbone's maps, the coarsest ones, are compared (at the finest of them).
        level_weights: weight of each of them in the similarity (default: equal).
        feedback: what is remembered of a frame: 0, the labels that were read in it; 1, what the model made of them;
            between, their mean with this weight.
        train_noise: in training, features are disturbed by noise of a random length up to this (their own is 1), so
            that what is built on the labels learns from labels with errors; synthetic clips match too well.
    """
    #: channels of :meth:`cues`
    out_channels = 2

    def __init__(self, propagation: dict, num_recent: int = 3, levels: int = 2,
                 level_weights: Optional[Sequence[float]] = None, feedback: float = 1.0,
                 train_noise: float = 0.0) -> None:
        super().__init__()
        self.propagation = MODELS.build(propagation)
        self.num_recent, self.levels, self.level_weights = num_recent, levels, level_weights
        self.feedback, self.train_noise = feedback, train_noise

    @torch.no_grad()
    def embed(self, maps: Sequence[Tensor]) -> Tensor:
        """The backbone's maps ``(B, C_i, h_i, w_i)``, finest first, to unit-length features ``(B, C, h, w)``."""
        maps = maps[-self.levels:]
        features = torch.stack([unit_features(tuple(m[b:b + 1] for m in maps), self.level_weights)
                                for b in range(len(maps[0]))])
        if self.training and self.train_noise:
            length = self.train_noise * torch.rand(len(features), 1, 1, 1, device=features.device)
            noise = torch.randn_like(features) * length / features.shape[1]**0.5
            features = F.normalize(features + noise, dim=1)
        return features

    @torch.no_grad()
    def start(self, features: Tensor, masks: Tensor) -> LabelMemory:
        """A memory of the frame ``(C, h, w)`` in which objects with masks ``(N, H, W)`` are given."""
        given = _shares(masks, features)
        return LabelMemory([(features, torch.cat([1 - given.sum(0, keepdim=True), given]))], [])

    @torch.no_grad()
    def add(self, features: Tensor, masks: Tensor, memory: LabelMemory) -> LabelMemory:
        """The memory with M further objects, which are nowhere in the frames before this one."""
        given = _shares(masks, features)

        def widen(references: List[Reference]) -> List[Reference]:
            return [(f, torch.cat([labels, torch.zeros_like(labels[:1]).expand(len(masks), -1, -1)]))
                    for f, labels in references]

        known = len(memory.prompts[0][1])
        here = torch.cat([torch.zeros_like(given[:1]).expand(known, -1, -1), given])
        return LabelMemory([*widen(memory.prompts), (features, here)], widen(memory.recent), fresh=True)

    @torch.no_grad()
    def read(self, features: Tensor, memory: LabelMemory) -> Tensor:
        """Labels ``(N + 1, h, w)`` of a frame ``(C, h, w)``, background first, sum 1."""
        references = [(f, labels, False) for f, labels in memory.prompts]
        references += [(f, labels, True) for f, labels in memory.recent]
        labels = self.propagation(features, references)
        if not memory.fresh:
            return labels
        total = labels.sum(0, keepdim=True)  # cells that are not labelled yet say nothing
        background = (torch.arange(len(labels), device=labels.device) == 0).to(labels.dtype).view(-1, 1, 1)
        return torch.where(total > 0.05, labels / total.clamp(min=0.05), background)

    @torch.no_grad()
    def remember(self, features: Tensor, scores: Tensor, read: Tensor, memory: LabelMemory) -> LabelMemory:
        """The memory after a frame ``(C, h, w)``.

        Args:
            features: of the frame.
            scores: the model's probabilities ``(N + 1, H, W)``, sum 1.
            read: the labels of :meth:`read`, ``(N + 1, h, w)``.
            memory: before the frame.
        """
        labels = torch.lerp(read, _shares(scores, features).to(read.dtype), self.feedback)
        prompts = memory.prompts
        if memory.fresh:
            given = prompts[-1][1]
            prompts = [*prompts[:-1], (features, given + labels * (1 - given.sum(0, keepdim=True)))]
        recent = [*memory.recent, (features, labels)][-self.num_recent:] if self.num_recent else []
        return LabelMemory(prompts, recent)

    def keep(self, indices: Sequence[int], memory: LabelMemory) -> LabelMemory:
        """The memory with only these objects; what the others covered becomes background."""

        def kept(references: List[Reference]) -> List[Reference]:
            chosen = []
            for features, labels in references:
                objects = labels[[i + 1 for i in indices]]
                background = labels.sum(0, keepdim=True) - objects.sum(0, keepdim=True)
                chosen.append((features, torch.cat([background, objects])))
            return chosen

        return replace(memory, prompts=kept(memory.prompts), recent=kept(memory.recent))

    @staticmethod
    def cues(labels: Tensor) -> Tensor:
        """Labels ``(N + 1, h, w)`` seen by each object: its own and the largest of the others; ``(N, 2, h, w)``."""
        objects = labels[1:]
        if len(objects) == 1:
            return torch.stack([objects, torch.zeros_like(objects)], 1)
        top, which = objects.topk(2, dim=0)
        own = torch.arange(len(objects), device=labels.device).view(-1, 1, 1)
        return torch.stack([objects, torch.where(which[:1] == own, top[1:], top[:1])], 1)


def _shares(masks: Tensor, features: Tensor) -> Tensor:
    """Averages of masks ``(N, H, W)`` over the cells of ``features``."""
    return F.adaptive_avg_pool2d(masks.float()[None], features.shape[-2:])[0]
