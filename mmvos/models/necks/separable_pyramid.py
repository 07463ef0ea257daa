"""Multi-scale separable decoder: a pyramid of dilated separable convolutions."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


def _conv(
    in_channels: int, channels: int, kernel: int, dilation: int, separable: bool, norm_cfg: dict | None, act: bool
) -> nn.Module:
    """A convolution of the pooling stack; separable: per channel without bias, then across channels."""
    options = dict(kernel_size=kernel, padding=dilation * (kernel // 2), dilation=dilation)
    outer = dict(norm_cfg=norm_cfg, act_cfg=dict(type='ReLU') if act else None)
    if not separable:
        return ConvModule(in_channels, channels, **options, **outer)
    return nn.Sequential(
        ConvModule(in_channels, in_channels, groups=in_channels, bias=False, act_cfg=None, **options),
        ConvModule(in_channels, channels, 1, **outer),
    )


class PoolingStack(BaseModule):
    """1x1, then one 3x3 convolution per dilation, one after the other.

    Args:
        in_channels, channels (int): channels of the input, and of every layer.
        dilations (Sequence[int]): dilation of each 3x3 convolution.
        separable (bool): depthwise convolutions followed by pointwise ones.
        norm_cfg (dict | None): normalisation behind each convolution; None: none.
        act_all (bool): ReLU after every layer (False: after the 1x1 only).
        parallel (bool): the 3x3 convolutions all see the 1x1's output and are summed.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        dilations: Sequence[int],
        separable: bool,
        norm_cfg: dict | None,
        act_all: bool,
        parallel: bool,
    ) -> None:
        super().__init__()
        self.parallel = parallel
        self.reduce = _conv(in_channels, channels, 1, 1, separable, norm_cfg, True)
        self.convs = nn.ModuleList(_conv(channels, channels, 3, d, separable, norm_cfg, act_all) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        if self.parallel:
            return sum(conv(x) for conv in self.convs)
        for conv in self.convs:
            x = conv(x)
        return x


@MODELS.register_module()
class SeparablePyramid(BaseModule):
    """Feature pyramid whose levels are pooled by dilated separable convolutions.

    From the coarsest level on: up-sample by 2 (bilinear, then a 3x3 convolution), add the pooled next finer level; a
    last up-sampling reaches full resolution. Source: MAIN, sections 3.3 and 4 ("Multi-Scale Separable Decoder").

    Args:
        in_channels (Sequence[int]): channels of the levels, finest first, each with twice the stride of the one before.
        channels (int): width D of the decoder (not given in the paper).
        separable (bool): whether convolutions are separable (Table 1 of the paper).
        dilations (Sequence[int]): dilations of a stack's convolutions (Table 1 of the paper).
        out_stride (int): stride of the finest level: the last up-sampling is by this factor.
        act_all, parallel (bool): see :class:`PoolingStack`.
        norm_cfg (dict | None): normalisation after the convolutions of the stacks and of the up-sampling (None in the paper;
            batch norm is needed to train from random weights).
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 256, 512, 1024, 2048),
        channels: int = 128,
        separable: bool = True,
        dilations: Sequence[int] = (1, 2, 3),
        out_stride: int = 2,
        act_all: bool = True,
        parallel: bool = False,
        norm_cfg: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Xavier', layer='Conv2d', distribution='uniform', bias=0))
        self.out_stride = out_stride
        self.stacks = nn.ModuleList(
            PoolingStack(c, channels, dilations, separable, norm_cfg, act_all, parallel) for c in in_channels
        )
        self.ups = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=None) for _ in in_channels
        )

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Levels, finest first, to ``(B, D, H, W)`` at the resolution of the input."""
        return self.ups[0](self.enlarge(levels))

    @property
    def last(self) -> ConvModule:
        """The layer at the resolution of the input, without an activation."""
        return self.ups[0]

    def enlarge(self, levels: Sequence[Tensor]) -> Tensor:
        """What the last layer sees, ``(B, D, H, W)``."""
        x = self.stacks[-1](levels[-1])
        for i in range(len(levels) - 2, -1, -1):
            pooled = self.stacks[i](levels[i])
            x = self.ups[i + 1](F.interpolate(x, pooled.shape[-2:], mode='bilinear', align_corners=False)) + pooled
        return F.interpolate(x, scale_factor=self.out_stride, mode='bilinear', align_corners=False)
