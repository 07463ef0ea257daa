"""Feature maps of several strides as one."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvos.registry import MODELS


@MODELS.register_module()
class LevelConcat(BaseModule):
    """Concatenates the coarsest maps at the finest stride of them, and brings every map to unit mean square per cell.

    Without parameters: for a frozen backbone whose levels differ in scale.

    Args:
        levels (int): how many of the coarsest maps become one.
        use (Sequence[int] | None): which maps are taken, finest first (default: all).
    """

    def __init__(self, levels: int = 2, use: Sequence[int] | None = None) -> None:
        super().__init__()
        self.levels, self.use = levels, use

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Maps ``(B, C_i, h_i, w_i)``, finest first, to ``levels - 1`` maps fewer than are taken."""
        maps = maps if self.use is None else [maps[i] for i in self.use]
        maps = [m * (m.square().mean(1, keepdim=True) + 1e-6).rsqrt() for m in maps]
        size = maps[-self.levels].shape[-2:]
        deep = [
            F.interpolate(m, size, mode='bilinear', align_corners=False) if m.shape[-2:] != size else m
            for m in maps[-self.levels :]
        ]
        return *maps[: -self.levels], torch.cat(deep, 1)
