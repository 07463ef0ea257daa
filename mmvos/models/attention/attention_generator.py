"""Attention of an object over features that all objects share."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


class MaskAsAttention(nn.Module):
    """An object's mask in place of its attention: AGSS-VOS without the instance-specific module (Table 4)."""

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Features ``(N, C, h, w)`` and masks ``(N, 1, H, W)`` in 0..1 to ``(N, 1, h/2, w/2)``, rounded up."""
        height, width = ((side + 1) // 2 for side in features.shape[-2:])
        return F.interpolate(masks, (height, width), mode='bilinear', align_corners=False)


@MODELS.register_module()
class AttentionGenerator(BaseModule):
    """From an object's features and its previous mask to one attention value per channel and pixel, at half the size.

    The result multiplies shared features. It has no activation, which the paper found better than ReLU or sigmoid.
    Source: AGSS-VOS (Lin et al., ICCV 2019), section 3.3.

    Args:
        in_channels (int): channels of the object's features.
        channels (int): channels of the attention, as many as the shared features have.
        activation (str | None): ``None``, ``'relu'`` or ``'sigmoid'`` at the end.
        init_cfg (dict | None): config of the weights' initialisation.
    """

    ACTIVATIONS = {None: nn.Identity, 'relu': nn.ReLU, 'sigmoid': nn.Sigmoid}

    def __init__(
        self, in_channels: int = 256, channels: int = 256, activation: str | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels + 1, channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        )
        self.activation = self.ACTIVATIONS[activation]()

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Attention maps ``(N, channels, h/2, w/2)``.

        Args:
            features (Tensor): ``(N, in_channels, h, w)``.
            masks (Tensor): ``(N, 1, H, W)``, 0..1.
        """
        masks = F.interpolate(masks, features.shape[-2:], mode='bilinear', align_corners=True)
        return self.activation(self.layers(torch.cat([features, masks], 1)))
