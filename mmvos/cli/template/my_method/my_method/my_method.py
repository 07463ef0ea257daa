"""MyMethod: a small method to start from. An object is known by its mean feature and by its mask in the last frame."""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.inference import Frame
from mmvos.models.heads import aggregate_objects
from mmvos.models.segmentors import CausalVOSModel, SharedFeatures
from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT, VOSDataSample, join_objects, one_hot


@dataclass
class MyMethodState:
    """What is carried from frame to frame. ``PER_OBJECT``: one entry an object, so that dropping objects needs no code.

    Args:
        appearance (Tensor): mean feature of each object and of everything else in the frame of its prompt, unit length,
            ``(N, 2, C)``.
        masks (Tensor): probability of each object in the last frame, ``(N, H, W)``.
    """

    appearance: Tensor = field(metadata=PER_OBJECT)
    masks: Tensor = field(metadata=PER_OBJECT)


@MODELS.register_module()
class MyMethod(SharedFeatures, CausalVOSModel):
    """Compares a frame with the mean features of an object and of everything else; the last mask says where to look.

    Args:
        backbone (dict): config of the backbone, which gives maps of one or more strides, finest first.
        in_channels (tuple[int, ...]): channels of these maps.
        channels (int): channels of the features that are compared, and of the decoder.
        kwargs: ``train_cfg``, ``test_cfg``, ``data_preprocessor``, ``init_cfg``, see :class:`CausalVOSModel`.
    """

    def __init__(self, *, backbone: dict, in_channels: tuple[int, ...], channels: int = 64, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(backbone)
        self.project = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in in_channels)
        # two similarities, the last mask, and what the frame looks like
        self.decoder = nn.Sequential(
            nn.Conv2d(3 + channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 1, 1),
        )

    # One frame

    def extract_feat(self, images: Tensor) -> Tensor:
        """Features of images ``(B, 3, H, W)``, the same for all objects: ``(B, C, h, w)`` at the stride of the finest map."""
        maps = [project(x) for project, x in zip(self.project, self.backbone(images), strict=True)]
        maps = [F.interpolate(x, maps[0].shape[-2:], mode='bilinear', align_corners=False) for x in maps]
        return torch.stack(maps).sum(0)

    def start(self, features: Tensor, masks: Tensor) -> MyMethodState:
        """The state of N objects that are given in a frame with the features ``(1, C, h, w)`` by masks ``(N, H, W)``."""
        shares = F.interpolate(masks[None], features.shape[-2:], mode='area')[0]
        shares = torch.stack([shares, 1 - shares], 1)  # (N, 2, h, w): the object, everything else
        appearance = torch.einsum('nkhw,chw->nkc', shares, features[0])  # a sum has the direction of the mean
        return MyMethodState(F.normalize(appearance, dim=-1), masks)

    def logits(self, features: Tensor, state: MyMethodState) -> Tensor:
        """Logits ``(N, H, W)`` of every object against everything else; all objects are one batch."""
        similarities = torch.einsum('nkc,chw->nkhw', state.appearance, F.normalize(features[0], dim=0))
        masks = F.interpolate(state.masks[:, None], features.shape[-2:], mode='area')
        known = torch.cat([similarities, masks, features.expand(len(masks), -1, -1, -1)], 1)
        return F.interpolate(self.decoder(known), state.masks.shape[-2:], mode='bilinear', align_corners=False)[:, 0]

    # Inference: the session calls these

    def init_state(self, frame: Frame, masks: Tensor) -> MyMethodState:
        return self.start(self.features_of(frame), masks)

    def add_objects(self, frame: Frame, masks: Tensor, state: MyMethodState) -> MyMethodState:
        return join_objects(state, self.init_state(frame, masks))

    def step(self, frame: Frame, state: MyMethodState) -> tuple[Tensor, MyMethodState]:
        """Probabilities of the background and of N objects ``(N + 1, H, W)``, and the state for the next frame."""
        masks = self.logits(self.features_of(frame), state).float().sigmoid()
        return aggregate_objects(masks), MyMethodState(state.appearance, masks)

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Binary cross entropy of every object in every frame after the first, whose masks are given."""
        losses = []
        for clip, sample in zip(inputs, data_samples, strict=True):
            features = self.extract_feat(clip)
            masks = one_hot(sample.gt_label_maps, sample.object_ids)  # (N, T, H, W)
            state = self.start(features[:1], masks[:, 0])
            for t in range(1, len(clip)):
                logits = self.logits(features[t : t + 1], state)
                losses.append(F.binary_cross_entropy_with_logits(logits, masks[:, t]))
                state = MyMethodState(state.appearance, logits.sigmoid())  # the next frame sees what was predicted
        return dict(loss_mask=torch.stack(losses).mean())
