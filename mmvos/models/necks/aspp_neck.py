"""Atrous spatial pyramid pooling (DeepLabv3)."""

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class ASPPNeck(BaseModule):
    """Parallel dilated convolutions and global pooling over the last feature map, and a 3x3 convolution over all.

    Every convolution is followed by batch normalisation and an activation: ReLU in the branches, ``act_cfg`` after the
    last one. The order of the branches is: image pooling, 1x1, then the 3x3 ones in the order of ``dilations``.

    Args:
        in_channels (int): channels of the last feature map of the backbone.
        branch_channels (int): channels of every branch.
        out_channels (int): channels of the embedding.
        dilations (Sequence[int]): dilations of the 3x3 branches.
        conv_bias (bool): whether the convolutions have a bias beside the normalisation's.
        act_cfg (dict | None): activation after the last convolution (COSNet: PReLU with one slope).
        norm_cfg (dict | None): config of the normalisations; None: batch normalisation.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        branch_channels: int = 512,
        out_channels: int = 256,
        dilations: Sequence[int] = (6, 12, 18),
        conv_bias: bool = True,
        norm_cfg: dict | None = None,
        act_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN')
        branch = dict(bias=conv_bias, norm_cfg=norm_cfg, act_cfg=dict(type='ReLU'))
        with warnings.catch_warnings():  # mmcv calls a bias before a normalisation unnecessary; released weights have it
            warnings.filterwarnings('ignore', 'Unnecessary conv bias')
            self.image_pool = ConvModule(in_channels, branch_channels, 1, **branch)
            self.branches = nn.ModuleList([ConvModule(in_channels, branch_channels, 1, **branch)])
            for dilation in dilations:
                self.branches.append(ConvModule(in_channels, branch_channels, 3, padding=dilation, dilation=dilation, **branch))
            self.bottleneck = ConvModule(
                branch_channels * (len(dilations) + 2),
                out_channels,
                3,
                padding=1,
                bias=conv_bias,
                norm_cfg=norm_cfg,
                act_cfg=act_cfg or dict(type='PReLU'),
            )

    def forward(self, features: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Feature maps of a backbone (the last one is used), or one ``(B, in_channels, h, w)``, to ``(B, C, h, w)``."""
        x = features if isinstance(features, Tensor) else features[-1]
        pooled = self.image_pool(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[-2:])
        return self.bottleneck(torch.cat([pooled, *(branch(x) for branch in self.branches)], 1))
