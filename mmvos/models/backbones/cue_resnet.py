"""A ResNet that sees further cues beside the colours, and returns its finest features too."""

from collections.abc import Sequence
from typing import Any

from mmdet.models.backbones import ResNet
from torch import Tensor, nn

from mmvos.registry import MODELS

from .cue_input import CueInput, check_cues


@MODELS.register_module()
class CueResNet(CueInput, ResNet):
    """ResNet with input cues and five levels of side outputs.

    Level 1 is what the stem gives before the max pooling (stride 2); levels 2 to 5 are the four stages.

    Args:
        cues (dict[str, int]): ``{cue: channels}``, see :meth:`CueInput.set_cues`.
        out_levels (Sequence[int]): which levels are returned, ascending.
        depth (int): 18, 34, 50, 101 or 152.
        kwargs (dict): arguments of mmdet's ``ResNet``.
    """

    first_weight = 'conv1.weight'
    # mmdet's parts
    conv1: nn.Module
    norm1: nn.Module
    relu: nn.Module
    maxpool: nn.Module
    res_layers: list[str]

    def __init__(
        self, cues: dict[str, int], out_levels: Sequence[int] = (1, 2, 3, 4, 5), depth: int = 50, **kwargs: Any
    ) -> None:
        self.out_levels = tuple(out_levels)
        super().__init__(depth, in_channels=sum(check_cues(cues).values()), out_indices=(0, 1, 2, 3), **kwargs)
        self.set_cues(cues)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """``(B, C, H, W)`` to the levels asked for, finest first."""
        x = self.relu(self.norm1(self.conv1(x)))
        levels = [x]
        x = self.maxpool(x)
        for name in self.res_layers:
            x = getattr(self, name)(x)
            levels.append(x)
        return tuple(levels[i - 1] for i in self.out_levels)
