"""One output map per instance."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class InstanceMapHead(BaseModule):
    """A 1x1 convolution to one logit map per instance slot.

    Weights of another number of slots are accepted: the first ones are kept, further slots get the mean over the old.

    Args:
        in_channels (int): channels of the features.
        num_slots (int): N.
        prior (float): probability that an untrained head gives.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(self, in_channels: int, num_slots: int, prior: float = 0.1, init_cfg: dict | list | None = None) -> None:
        bias = math.log(prior / (1 - prior))
        super().__init__(init_cfg or dict(type='Xavier', layer='Conv2d', distribution='uniform', bias=bias))
        self.num_slots = num_slots
        self.conv = nn.Conv2d(in_channels, num_slots, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to logits ``(B, N, H, W)``."""
        return self.conv(x)

    def after(self, layer: ConvModule, x: Tensor) -> Tensor:
        """Logits ``(B, N, h, w)`` of what a layer without an activation makes of ``x``, ``(B, C, h, w)``.

        Two convolutions in a row are one, with as many output channels as there are slots: half of the multiply-adds of
        the paper's network. A norm between them keeps them apart.
        """
        first = layer.conv
        if layer.with_activation or (layer.with_norm and not isinstance(layer.norm, nn.Identity)):
            return self(layer(x))
        weight, bias = self.conv.weight[:, :, 0, 0], self.conv.bias
        with torch.autocast(x.device.type, enabled=False):  # products of weights are not rounded
            both = (weight @ first.weight.flatten(1)).view(-1, *first.weight.shape[1:])
            offset = bias if first.bias is None else bias + weight @ first.bias
        return F.conv2d(x, both, offset, first.stride, first.padding, first.dilation)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        for name in ('weight', 'bias'):
            key = f'{prefix}conv.{name}'
            if key in state_dict:
                trained = state_dict[key]
                more = self.num_slots - len(trained)
                mean = trained.mean(0, keepdim=True)
                state_dict[key] = (
                    torch.cat((trained, mean.repeat_interleave(more, 0))) if more > 0 else trained[: self.num_slots]
                )
        super()._load_from_state_dict(state_dict, prefix, *args)
