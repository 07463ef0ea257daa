"""FeaturePropagation: labels flow from the first and the last few frames along the affinity of pretrained features.

No training: any backbone with useful features will do. The read-out is that of self-supervised label propagation
(cosine affinity, top-k, a local window for recent frames and none for the first); a target model, fitted to the prompts
in closed form, can keep it from drifting.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, one_hot

from ..matching.label_memory import FrameKeys, LabelMemory, label_shares
from .base import CausalVOSModel, SharedFeatures


@dataclass
class PropagationState:
    """``memory``: the frames that labels are read from."""

    memory: LabelMemory


@MODELS.register_module()
class FeaturePropagation(SharedFeatures, CausalVOSModel):
    """Training-free video object segmentation.

    In a frame in which objects are given, they are what the prompt shows, and known objects are segmented without them.

    Args:
        backbone (dict): config of the backbone; it gives maps of several strides, finest first.
        matching (dict): config of the memory and how labels are read from it (``LabelMatching``, ``TargetLabelMatching``).
        refine (dict): config of the part ``(labels (L, h, w), pixels (1, 3, H, W)) -> (L, H, W)`` that brings the labels to
            the image's size (default: ``BilinearUpsampler``).
        kwargs (dict): arguments of :class:`CausalVOSModel`.
    """

    def __init__(self, *, backbone: dict, matching: dict, refine: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.matching = MODELS.build(matching)
        self.refine = MODELS.build(refine or dict(type='BilinearUpsampler'))

    def extract_feat(self, images: Tensor) -> list[FrameKeys]:
        """What is matched of images ``(B, 3, h, w)``; one entry per image."""
        return self.matching.embed(self.backbone(images))

    def init_state(self, frame: Frame, masks: Tensor) -> PropagationState:
        return PropagationState(self.matching.start(self.features_of(frame)[0], masks))

    def add_objects(self, frame: Frame, masks: Tensor, state: PropagationState) -> PropagationState:
        return PropagationState(self.matching.add(self.features_of(frame)[0], masks, state.memory))

    def step(self, frame: Frame, state: PropagationState) -> tuple[Tensor, PropagationState]:
        keys = self.features_of(frame)[0]
        read = self.matching.read(keys, state.memory)
        scores = self.refine(read.labels, frame.pixels)
        return scores, PropagationState(self.matching.remember(keys, read, read.labels, state.memory))

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Cross entropy of the labels that each later frame of a clip reads from its first one; trains the backbone."""
        losses = []
        for clip, sample in zip(inputs, data_samples, strict=True):
            first, *later = (frame.keys for frame in self.extract_feat(clip))
            masks = one_hot(sample.gt_label_maps, sample.object_ids)
            references = [(first, self._labels(masks[:, 0], first), False)]
            for t, keys in enumerate(later, 1):
                read = self.matching.propagation(keys, references)
                target = self._labels(masks[:, t], keys)
                losses.append(-(target * read.clamp(1e-4).log()).sum(0).mean())
        return dict(loss_propagation=torch.stack(losses).mean())

    @staticmethod
    def _labels(masks: Tensor, features: Tensor) -> Tensor:
        """Masks ``(N, H, W)`` to label shares ``(N + 1, h, w)``, background first."""
        shares = label_shares(masks, features.shape[-2:])
        return torch.cat([1 - shares.sum(0, keepdim=True).clamp(max=1), shares])
