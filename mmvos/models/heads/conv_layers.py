"""A plain stack of convolutions, where a full stage of a ResNet would be too much."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from torch import nn

from mmvos.registry import MODELS


@MODELS.register_module()
class ConvLayers(nn.Sequential):
    """3x3 convolutions with normalisation and ReLU.

    Args:
        channels (Sequence[int]): channels of the input and of every layer.
        strides (Sequence[int]): strides of every layer (default 1).
        norm_cfg (dict | None): config of the normalisation (None: none).
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int] = (), norm_cfg: dict | None = None) -> None:
        strides = tuple(strides) or (1,) * (len(channels) - 1)
        super().__init__(
            *(
                ConvModule(a, b, 3, stride=s, padding=1, norm_cfg=norm_cfg)
                for a, b, s in zip(channels[:-1], channels[1:], strides, strict=True)
            )
        )
