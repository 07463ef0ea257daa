"""From what is known of an object at a coarse stride to its mask at the image's size."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS

from ..cues.mask_propagation import KAIMING_UNIFORM


@MODELS.register_module()
class CoarseMaskHead(BaseModule):
    """Merges the cues of each object by two 3x3 convolutions and predicts its coarse mask.

    The fusion module and the coarse predictor of Johnander et al., CVPR 2019.

    Args:
        in_channels (int): channels of all cues together.
        mid_channels, channels (int): channels of the two layers.
        predictor_kernel (int): kernel size of the predictor.
        init_cfg (dict): config of the initialisation.
    """

    def __init__(
        self,
        in_channels: int = 516,
        mid_channels: int = 512,
        channels: int = 128,
        predictor_kernel: int = 1,
        init_cfg: dict = KAIMING_UNIFORM,
    ) -> None:
        super().__init__(init_cfg)
        self.conv1 = nn.Conv2d(in_channels, mid_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(mid_channels, channels, 3, padding=1)
        self.predictor = nn.Conv2d(channels, 2, predictor_kernel, padding=predictor_kernel // 2)

    def forward(self, cues: Sequence[Tensor]) -> Tensor:
        """Cues ``(N, C_i, h, w)`` to the fused map ``(N, channels, h, w)``."""
        x = torch.cat(list(cues), 1)
        return F.relu(self.conv2(F.relu(self.conv1(x))))

    def predict(self, fused: Tensor) -> Tensor:
        """Coarse logits (background, object) ``(N, 2, h, w)`` from the fused map."""
        return self.predictor(fused)


@MODELS.register_module()
class SkipUpsampler(BaseModule):
    """Refines a coarse map with the backbone's finer features, coarse to fine, and predicts the mask.

    At each level: ReLU(conv1x1(skip)) and the map enlarged to its size are concatenated and blended by a 3x3
    convolution with ReLU (in the manner of SharpMask; the upsampling module of Johnander et al., CVPR 2019). The skip's
    half of that convolution does not depend on the object and is computed once per frame (:meth:`prepare`).

    Args:
        skip_channels (Sequence[int]): channels of the finer feature maps, coarsest first.
        channels (int): channels of the map and of every layer.
        init_cfg (dict): config of the initialisation.
    """

    def __init__(
        self, skip_channels: Sequence[int] = (512, 256), channels: int = 128, init_cfg: dict = KAIMING_UNIFORM
    ) -> None:
        super().__init__(init_cfg)
        self.channels = channels
        self.projections = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in skip_channels)
        self.blends = nn.ModuleList(nn.Conv2d(2 * channels, channels, 3, padding=1) for _ in skip_channels)
        self.predictor = nn.Conv2d(channels, 2, 3, padding=1)

    @property
    def _blends(self) -> list[nn.Conv2d]:
        return cast(list[nn.Conv2d], list(self.blends))

    def prepare(self, skips: Sequence[Tensor]) -> list[Tensor]:
        """What the skips ``(B, C_i, h_i, w_i)``, coarsest first, add to every object: ``(B, channels, h_i, w_i)``."""
        return [
            F.conv2d(F.relu(project(skip)), blend.weight[:, : self.channels], blend.bias, padding=1)
            for skip, project, blend in zip(skips, self.projections, self._blends, strict=True)
        ]

    def forward(self, x: Tensor, prepared: Sequence[Tensor], size: Sequence[int] | None = None) -> Tensor:
        """Logits (background, object) ``(N, 2, H, W)``.

        Args:
            x (Tensor): fused map ``(N, channels, h, w)``.
            prepared (Sequence[Tensor]): ``(N, channels, h, w)`` each, result of :meth:`prepare`, batch N or 1.
            size (tuple[int, int] | None): ``(H, W)`` of the logits (default: four times the finest skip).
        """
        for skip, blend in zip(prepared, self._blends, strict=True):
            x = F.interpolate(x, skip.shape[-2:], mode='bilinear', align_corners=False)
            x = F.relu(skip + F.conv2d(x, blend.weight[:, self.channels :], padding=1))
        logits = self.predictor(x)
        size = size or tuple(4 * side for side in logits.shape[-2:])
        return F.interpolate(logits, size, mode='bilinear', align_corners=False)
