"""Decoders that compare a frame with the one in which the objects were given, and refine a mask from coarse to fine."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS

from ..necks import GlobalConvBlock, RefineBlock
from ..necks.refinement import ResidualConv


@MODELS.register_module()
class PropagationDecoder(BaseModule):
    """Global convolution of the frame's and the reference's deepest features, then three refinements.

    Source: RGMP (Oh et al., CVPR 2018), section 3.1. AGSS-VOS (Lin et al., ICCV 2019) splits it in two:
    :meth:`coarse` for all objects at once, :meth:`fine` for each.

    Args:
        in_channels (Sequence[int]): channels of the features at strides 4, 8, 16, 32.
        channels (int): channels of every layer.
        kernel_size (int): kernel size of the global convolution.
        align_corners (bool): ``align_corners`` of every bilinear enlargement.
        auxiliary (bool): coarser predictions at strides 8, 16, 32, for training.
        with_coarse (bool): False leaves out everything but the finest refinement.
        init_cfg (dict | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        kernel_size: int = 7,
        align_corners: bool = False,
        auxiliary: bool = False,
        with_coarse: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.align_corners = align_corners
        if with_coarse:
            self.global_conv = GlobalConvBlock(2 * in_channels[3], channels, kernel_size)
            self.refine5 = ResidualConv(channels)
            self.refine4 = RefineBlock(in_channels[2], channels, align_corners)
            self.refine3 = RefineBlock(in_channels[1], channels, align_corners)
        self.refine2 = RefineBlock(in_channels[0], channels, align_corners)
        self.levels = (2, 3, 4, 5) if auxiliary else (2,)
        for level in self.levels:
            setattr(self, f'predict{level}', nn.Conv2d(channels, 2, 3, padding=1))

    def coarse(self, features: Sequence[Tensor], reference: Tensor) -> list[Tensor]:
        """Maps at strides 8, 16, 32.

        Args:
            features (Sequence[Tensor]): ``(B, C, h, w)`` of the frame at strides 8, 16, 32 (the last three that are given).
            reference (Tensor): features ``(B, C, h, w)`` of the reference frame at stride 32.

        Returns:
            Three ``(B, channels, h, w)``, from fine to coarse.
        """
        return self._coarse(features, self.global_conv(torch.cat([features[-1], reference], 1)))

    def coarse_with(self, features: Sequence[Tensor], known: Tensor) -> list[Tensor]:
        """Maps at strides 8, 16, 32, as of :meth:`coarse`: three ``(B, channels, h, w)``.

        Args:
            features (Sequence[Tensor]): see :meth:`coarse`.
            known (Tensor): what :meth:`of_reference` gave for the reference frame, ``(B, C, h, w)``.
        """
        return self._coarse(features, self.global_conv(features[-1], known))

    def of_reference(self, reference: Tensor) -> Tensor:
        """What can be computed of a reference frame, with features ``(B, C, h, w)`` at stride 32, once for all frames."""
        return self.global_conv.of_last_channels(reference)

    def _coarse(self, features: Sequence[Tensor], matched: Tensor) -> list[Tensor]:
        m5 = self.refine5(matched)
        m4 = self.refine4(features[-2], m5)
        return [self.refine3(features[-3], m4), m4, m5]

    def fine(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Map at stride 4, ``(N, channels, h, w)``.

        Args:
            skip (Tensor): features at stride 4, ``(N, C, h, w)``.
            coarse (Tensor): map at stride 8, ``(N, channels, h/2, w/2)``.
        """
        return self.refine2(skip, coarse)

    def predict(self, refined: Tensor, level: int = 2) -> Tensor:
        """Logits (background, object) ``(N, 2, h, w)``.

        Args:
            refined (Tensor): map ``(N, channels, h, w)``.
            level (int): its level; the stride is ``2 ** level``.
        """
        return getattr(self, f'predict{level}')(F.relu(refined))

    def forward(self, features: Sequence[Tensor], reference: Tensor) -> list[Tensor]:
        """Logits ``(N, 2, h, w)`` of every level that the decoder predicts at, from fine (stride 4) to coarse.

        Args:
            features (Sequence[Tensor]): features ``(N, C, h, w)`` of the frame at strides 4, 8, 16, 32.
            reference (Tensor): features ``(N, C, h, w)`` of the reference frame at stride 32.
        """
        coarse = self.coarse(features, reference)
        maps = [self.fine(features[0], coarse[0]), *coarse]
        return [self.predict(m, level) for m, level in zip(maps, self.levels, strict=False)]  # without `auxiliary`, the finest

    def probability(self, logits: Tensor) -> Tensor:
        """Logits ``(N, 2, h, w)`` at stride 4 to the object's probability ``(N, 4h, 4w)``."""
        margin = logits[:, 1:].float() - logits[:, :1].float()  # of a softmax over two channels; enlarging is linear
        return F.interpolate(margin, scale_factor=4, mode='bilinear', align_corners=self.align_corners).sigmoid()[:, 0]
