"""Skip connections into a recurrent decoder: one convolution and one batch norm for every stage of a backbone."""

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class SkipNeck(BaseModule):
    """Projects every stage to its decoder level: 3x3 convolution, batch norm, no activation (RSIS, section 3.1).

    Args:
        in_channels (Sequence[int]): channels of the backbone's maps, finest first.
        out_channels (Sequence[int]): channels of the skips, finest first.
        kernel_size (int): kernel size of the convolutions.
        norm_cfg (dict | None): config of the norm.
        init_cfg (dict | list | None): config of the weights' initialisation.

    Raises:
        InputError: another number of skips than of stages.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        kernel_size: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(in_channels) != len(out_channels):
            raise InputError(f'{len(in_channels)} stages come in, but out_channels has {len(out_channels)} entries.')
        self.skips = nn.ModuleList(
            _Skip(i, o, kernel_size, norm_cfg or dict(type='BN')) for i, o in zip(in_channels, out_channels, strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps ``(N, C, h, w)`` finest first to skips, **coarsest first**: the order in which a decoder takes them."""
        return [skip(x) for skip, x in zip(self.skips, maps, strict=True)][::-1]


class _Skip(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm_cfg: dict) -> None:
        super().__init__()
        # the bias means nothing before a batch norm, but the published weights have one
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.bn = build_norm_layer(norm_cfg, out_channels)[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))
