"""Blocks that bring a deep feature map back to a finer one: global convolution and refinement."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


def _same_conv(in_channels: int, channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    """Convolution that keeps the size of its map; ``kernel``: odd sides."""
    return nn.Conv2d(in_channels, channels, kernel, padding=(kernel[0] // 2, kernel[1] // 2))


@MODELS.register_module()
class GlobalConvBlock(BaseModule):
    """A large kernel as the sum of two separable ones, without a non-linearity between them.

    Source: Peng et al., "Large Kernel Matters", CVPR 2017; used by RGMP to match features of far-apart places.

    Args:
        in_channels, channels (int): channels of input and output.
        kernel_size (int): odd.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self, in_channels: int, channels: int = 256, kernel_size: int = 7, init_cfg: dict | list | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        tall, wide = (kernel_size, 1), (1, kernel_size)
        self.left = nn.Sequential(_same_conv(in_channels, channels, tall), _same_conv(channels, channels, wide))
        self.right = nn.Sequential(_same_conv(in_channels, channels, wide), _same_conv(channels, channels, tall))

    def forward(self, x: Tensor, last: Tensor | None = None) -> Tensor:
        """Maps ``(N, channels, h, w)``.

        Args:
            x (Tensor): the input ``(N, in_channels, h, w)``, or its first channels.
            last (Tensor | None): ``(N, C, h, w)``, what :meth:`of_last_channels` gave for the others.
        """
        if last is None:
            return self.left(x) + self.right(x)
        both = zip((self.left, self.right), last.chunk(2, 1), strict=True)
        left, right = (branch[1](_part_of(branch[0], x, 0).add_(others)) for branch, others in both)
        return left + right

    def of_last_channels(self, x: Tensor) -> Tensor:
        """What the last channels of the input add to the first layers, ``(N, 2 * channels, h, w)``: where they stay the
        same from frame to frame, it is computed once."""
        first = self.in_channels - x.shape[1]
        return torch.cat([_part_of(branch[0], x, first) for branch in (self.left, self.right)], 1)


def _part_of(conv: nn.Module, x: Tensor, first: int) -> Tensor:
    """Convolution of the input channels from ``first`` on, of which ``x`` has some; the bias comes with the first of all."""
    assert isinstance(conv, nn.Conv2d)
    weight, bias = conv.weight[:, first : first + x.shape[1]], conv.bias if first == 0 else None
    return F.conv2d(x, weight, bias, padding=(conv.kernel_size[0] // 2, conv.kernel_size[1] // 2))


def _add(first: Tensor, second: Tensor) -> Tensor:
    """The sum, instead of the first one where that loses no precision: new memory is a good part of the time."""
    return first.add_(second) if first.dtype == second.dtype else first + second


class ResidualConv(BaseModule):
    """``x + conv(relu(conv(relu(x))))``, 3x3, without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _add(self.conv2(F.relu(self.conv1(F.relu(x)), inplace=True)), x)


@MODELS.register_module()
class RefineBlock(BaseModule):
    """Merges a coarse map with a finer skip connection.

    Source: RGMP (Oh et al., CVPR 2018), figure 2; after Pinheiro et al., ECCV 2016.

    Args:
        in_channels (int): channels of the skip connection.
        channels (int): channels of the coarse map and of the output.
        align_corners (bool): ``align_corners`` of the bilinear enlargement.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self, in_channels: int, channels: int = 256, align_corners: bool = False, init_cfg: dict | list | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.align_corners = align_corners
        self.project = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.refine_skip, self.refine_merged = ResidualConv(channels), ResidualConv(channels)

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Refined map ``(N, channels, H, W)``.

        Args:
            skip (Tensor): ``(N, in_channels, H, W)``.
            coarse (Tensor): ``(N, channels, h, w)``.
        """
        skip = self.refine_skip(self.project(skip))
        if coarse.shape[-2:] != skip.shape[-2:]:
            coarse = F.interpolate(coarse, skip.shape[-2:], mode='bilinear', align_corners=self.align_corners)
        return self.refine_merged(_add(skip, coarse))
