"""Foreground logits from a feature map."""

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class BinaryMaskHead(BaseModule):
    """3x3 convolution without bias, normalisation, ReLU, then a 1x1 convolution to one logit per position.

    Args:
        in_channels (int): channels of the feature map.
        mid_channels (int | None): channels of the 3x3 convolution; None: the 1x1 convolution alone.
        norm_cfg (dict | None): config of the normalisation; None: batch normalisation.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self, in_channels: int, mid_channels: int | None = None, norm_cfg: dict | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.conv: nn.Module = nn.Identity()
        if mid_channels:
            self.conv = ConvModule(in_channels, mid_channels, 3, padding=1, bias=False, norm_cfg=norm_cfg or dict(type='BN'))
        self.classifier = nn.Conv2d(mid_channels or in_channels, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` to logits ``(B, 1, h, w)``."""
        return self.classifier(self.conv(features))
