"""Where the object was, in the features of where it is now."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT

from .object_cue import ObjectCue

#: He et al.'s uniform initialisation for ReLU, biases 0
KAIMING_UNIFORM = dict(type='Kaiming', layer='Conv2d', mode='fan_in', nonlinearity='relu', distribution='uniform')


@dataclass
class PropagatedMask:
    """Where N objects were.

    ``reference``: the first layer's share of the frame in which each was given ``(N, channels, h, w)``; ``first_mask``,
    ``previous_mask``: (background, object) ``(N, 2, h, w)`` in that frame and in the previous one.
    """

    reference: Tensor = field(metadata=PER_OBJECT)
    first_mask: Tensor = field(metadata=PER_OBJECT)
    previous_mask: Tensor = field(metadata=PER_OBJECT)


@MODELS.register_module()
class MaskPropagation(ObjectCue):
    """Encodes current features, the features in which the object was given, the previous and the first mask.

    The mask-propagation module of Johnander et al., CVPR 2019: a 1x1 convolution of the concatenation, parallel dilated
    3x3 convolutions, and a 3x3 convolution. The first convolution is linear in its four inputs, so that the part of
    each frame is computed once for all objects (:meth:`project_current`, :meth:`project_reference`) and only the four
    mask channels per object.

    Args:
        in_channels (int): channels of the backbone's feature map.
        channels (int): channels of every layer (of each of the parallel ones).
        dilations (Sequence[int]): dilations of the parallel convolutions.
        init_cfg (dict): config of the initialisation.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        channels: int = 512,
        dilations: Sequence[int] = (1, 3, 6),
        init_cfg: dict = KAIMING_UNIFORM,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels, self.out_channels = in_channels, channels
        self.reduce = nn.Conv2d(2 * in_channels + 4, channels, 1)
        self.branches = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in dilations)
        self.merge = nn.Conv2d(len(dilations) * channels, channels, 3, padding=1)

    def prepare(self, features: Tensor) -> tuple[Tensor, ...]:
        return self.project_current(features), features

    def start(self, prepared: tuple[Tensor, ...], masks: Tensor) -> PropagatedMask:
        reference = self.project_reference(prepared[1]).expand(len(masks), -1, -1, -1)
        return PropagatedMask(reference, masks, masks)

    def read(self, prepared: tuple[Tensor, ...], state: PropagatedMask) -> Tensor:
        return self(prepared[0], state.reference, state.previous_mask, state.first_mask)

    @override
    def renew(self, prepared: tuple[Tensor, ...], masks: Tensor, state: PropagatedMask) -> PropagatedMask:
        return replace(state, previous_mask=masks)

    def project_current(self, x: Tensor) -> Tensor:
        """The current frame's part of the first layer: ``(B, in_channels, h, w)`` to ``(B, channels, h, w)``."""
        return F.conv2d(x, self.reduce.weight[:, : self.in_channels], self.reduce.bias)

    def project_reference(self, x: Tensor) -> Tensor:
        """The same, ``(N, C, h, w)``, of the frame in which an object was given."""
        return F.conv2d(x, self.reduce.weight[:, self.in_channels : 2 * self.in_channels])

    def forward(self, current: Tensor, reference: Tensor, previous_mask: Tensor, first_mask: Tensor) -> Tensor:
        """Encode N objects.

        Args:
            current (Tensor): ``(N, C, h, w)`` of :meth:`project_current`, batch N or 1.
            reference (Tensor): ``(N, C, h, w)`` of :meth:`project_reference`, batch N or 1.
            previous_mask, first_mask (Tensor): (background, object) ``(N, 2, h, w)``.

        Returns:
            ``(N, channels, h, w)``.
        """
        masks = torch.cat([previous_mask, first_mask], 1).to(current.dtype)
        x = F.relu(current + reference + F.conv2d(masks, self.reduce.weight[:, 2 * self.in_channels :]))
        x = F.relu(torch.cat([branch(x) for branch in self.branches], 1))
        return F.relu(self.merge(x))
