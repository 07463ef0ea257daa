"""FeaturePropagation: labels flow from the first and the last few frames along the affinity of pretrained features.

No training: any backbone with useful features will do. The read-out is that of self-supervised label propagation
(cosine affinity, top-k, a local window for recent frames and none for the first); a target model, fitted to the prompts'
frames in closed form, can keep it from drifting.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import Frame
from mmvos.models.matching.label_matching import FrameKeys, LabelMemory
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, one_hot

from .base import CausalVOSModel


@dataclass
class PropagationState:
    """``memory``: the frames that labels are read from; ``encoded``: index and features of the frame of a late prompt, so
    that its prediction does not encode the frame again.
    """

    memory: LabelMemory
    encoded: tuple[int, FrameKeys] | None = None


@MODELS.register_module()
class FeaturePropagation(CausalVOSModel):
    """Training-free video object segmentation.

    Args:
        backbone: returns feature maps of several strides, finest first.
        matching: config of the memory and how labels are read from it (``LabelMatching``).
        refine: config of a part ``(probabilities (L, h, w), pixels (1, 3, H, W)) -> (L, H, W)`` that brings the labels to
            the image's size along its edges (None: bilinear).
    """

    add_objects_first = True

    def __init__(self, backbone: dict, matching: dict, refine: dict | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.matching = MODELS.build(matching)
        self.refine = MODELS.build(refine) if refine else None

    def extract(self, frame: Frame) -> FrameKeys:
        return self.matching.embed(self.backbone(frame.image))[0]

    def init_state(self, frame: Frame, masks: Tensor | None) -> PropagationState:
        return PropagationState(self.matching.start(self.extract(frame), masks))

    def add_objects(self, frame: Frame, masks: Tensor, state: PropagationState) -> PropagationState:
        """New objects exist nowhere before this frame; where they are, nothing else is."""
        keys = self.extract(frame)
        return PropagationState(self.matching.add(keys, masks, state.memory), (frame.index, keys))

    def step(self, frame: Frame, state: PropagationState) -> tuple[Tensor, PropagationState]:
        known = state.encoded is not None and state.encoded[0] == frame.index
        keys = state.encoded[1] if known else self.extract(frame)
        read = self.matching.read(keys, state.memory)
        if self.refine is not None:
            scores = self.refine(read.labels, frame.pixels)
        else:
            scores = F.interpolate(read.labels[None], frame.image.shape[-2:], mode='bilinear', align_corners=False)[0]
        return scores, PropagationState(self.matching.remember(keys, None, read, state.memory))

    def keep_objects(self, indices: list[int], state: PropagationState) -> PropagationState:
        return PropagationState(self.matching.keep(indices, state.memory), state.encoded)

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Cross entropy of the labels that each later frame of a clip reads from its first one; trains the backbone."""
        losses = []
        for clip, sample in zip(inputs, data_samples):
            first, *later = (frame.keys for frame in self.matching.embed(self.backbone(clip)))
            masks = one_hot(sample.gt_label_maps, sample.object_ids)
            references = [(first, self._labels(masks[:, 0], first), False)]
            for t, keys in enumerate(later, 1):
                read = self.matching.propagation(keys, references)
                target = self._labels(masks[:, t], keys)
                losses.append(-(target * read.clamp(1e-4).log()).sum(0).mean())
        return dict(loss_propagation=torch.stack(losses).mean())

    @staticmethod
    def _labels(masks: Tensor, features: Tensor) -> Tensor:
        """Masks ``(N, H, W)`` to label fractions ``(N + 1, h, w)``, background first."""
        fractions = F.interpolate(masks[None].float(), features.shape[-2:], mode='area')[0]
        return torch.cat([1 - fractions.sum(0, keepdim=True).clamp(max=1), fractions])
