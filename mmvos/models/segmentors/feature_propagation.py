"""FeaturePropagation: labels flow from the first and the last few frames along the affinity of pretrained features.

No training: any backbone with useful features will do. The read-out is that of self-supervised label propagation
(cosine affinity, top-k, a local window for recent frames and none for the first).
"""
from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, one_hot

from ..attention.label_propagation import unit_features
from .base import CausalVOSModel


@dataclass
class PropagationState:
    """Features ``(C, h, w)`` and labels ``(N + 1, h, w)`` of the frames that labels are read from.

    ``prompts``: the frames of the prompts, each with the indices of the objects that it introduced;
    ``recent``: the last few frames, oldest first.
    """
    prompts: List[Tuple[Tensor, Tensor]]
    recent: Deque[Tuple[Tensor, Tensor]] = field(default_factory=deque)


@MODELS.register_module()
class FeaturePropagation(CausalVOSModel):
    """Training-free video object segmentation.

    Args:
        backbone: returns feature maps of several strides, finest first.
        propagation: config of the read-out (``LabelPropagation``).
        num_recent: how many of the last frames are references.
        refine: config of a part ``(probabilities (L, h, w), pixels (1, 3, H, W)) -> (L, H, W)`` that brings the labels to
            the image's size along its edges (None: bilinear).
        level_weights: weight of each feature map in the similarity.
    """
    add_objects_first = False

    def __init__(self, backbone: dict, propagation: dict, num_recent: int = 3,
                 refine: Optional[dict] = None, level_weights: Optional[Sequence[float]] = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.propagation = MODELS.build(propagation)
        self.refine = MODELS.build(refine) if refine else None
        self.num_recent, self.level_weights = num_recent, level_weights

    def extract(self, frame: Frame) -> Tensor:
        """Unit-length features ``(C, h, w)``."""
        return unit_features(self.backbone(frame.image), self.level_weights)

    def init_state(self, frame: Frame, masks: Optional[Tensor]) -> PropagationState:
        features = self.extract(frame)
        return PropagationState([(features, self._labels(masks, features))])

    def add_objects(self, frame: Frame, masks: Tensor, state: PropagationState) -> PropagationState:
        """New objects exist nowhere before this frame; where they are, nothing else is."""
        features = self.extract(frame)
        new = self._labels(masks, features)
        old = len(state.prompts[0][1]) - 1

        def widen(labels):
            return torch.cat([labels, labels.new_zeros(len(masks), *labels.shape[1:])])

        widened = [(f, widen(labels)) for f, labels in state.prompts]
        recent = deque((f, widen(labels)) for f, labels in state.recent)
        # what the old objects look like in this frame is in `recent`; the prompt adds only the new ones
        here = torch.cat([recent[-1][1][:old + 1] * new[:1] if recent else new[:1] * 0, new[1:]])
        if recent:
            recent[-1] = (recent[-1][0], here)
        widened.append((features, here))
        return PropagationState(widened, recent)

    def step(self, frame: Frame, state: PropagationState) -> Tuple[Tensor, PropagationState]:
        features = self.extract(frame)
        references = [(f, labels, False) for f, labels in state.prompts]
        references += [(f, labels, True) for f, labels in state.recent]
        labels = self.propagation(features, references)
        if self.refine is not None:
            scores = self.refine(labels, frame.pixels)
        else:
            scores = F.interpolate(labels[None], frame.image.shape[-2:], mode='bilinear', align_corners=False)[0]
        state.recent.append((features, labels))
        while len(state.recent) > self.num_recent:
            state.recent.popleft()
        return scores, state

    def keep_objects(self, indices: List[int], state: PropagationState) -> PropagationState:
        rows = [0] + [i + 1 for i in indices]

        def keep(labels):
            kept = labels[rows]
            kept[0] = 1 - kept[1:].sum(0)  # a dropped object becomes background
            return kept

        return PropagationState([(f, keep(labels)) for f, labels in state.prompts],
                                deque((f, keep(labels)) for f, labels in state.recent))

    def loss(self, inputs: Tensor, data_samples: List[VOSDataSample]) -> Dict[str, Tensor]:
        """Cross entropy of the labels that the second half of a clip reads from its first frame; trains the backbone."""
        losses = []
        for clip, sample in zip(inputs, data_samples):
            ids = sample.object_ids
            maps = self.backbone(clip)
            features = [unit_features(tuple(m[t:t + 1] for m in maps), self.level_weights) for t in range(len(clip))]
            masks = one_hot(sample.gt_label_maps, ids)
            references = [(features[0], self._labels(masks[:, 0], features[0]), False)]
            for t in range(1, len(clip)):
                read = self.propagation(features[t], references)
                target = self._labels(masks[:, t], features[t])
                losses.append(-(target * read.clamp(1e-4).log()).sum(0).mean())
        return dict(loss_propagation=torch.stack(losses).mean())

    @staticmethod
    def _labels(masks: Tensor, features: Tensor) -> Tensor:
        """Masks ``(N, H, W)`` to label fractions ``(N + 1, h, w)``, background first."""
        fractions = F.interpolate(masks[None].float(), features.shape[-2:], mode='area')[0]
        return torch.cat([1 - fractions.sum(0, keepdim=True).clamp(max=1), fractions])
