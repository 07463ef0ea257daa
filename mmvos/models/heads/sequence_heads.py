"""What a recurrent decoder says about an object besides its mask: class, box, whether the sequence goes on."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvos.registry import MODELS
from mmvos.structures import InputError


class InstanceReading(NamedTuple):
    """What is read in one step: class logits ``(N, C)`` (class 0 ends the sequence) or None, stop logits ``(N, 1)``
    (positive: there is an object), boxes ``(N, 4)`` as shares of width and height ``(x1, y1, x2, y2)`` or None."""

    classes: Tensor | None
    stop: Tensor
    boxes: Tensor | None


class NoReading(nn.Module):
    """The layer of a head that does not read something: None for every state."""

    def forward(self, state: Tensor) -> None:
        """A pooled state ``(N, C)``."""


@MODELS.register_module()
class PooledStateHead(BaseModule):
    """Linear layers on the max-pooled states of all decoder levels (RSIS, section 3.2).

    Args:
        in_channels (int): sum of the levels' channels.
        num_classes (int | None): with the end-of-sequence class 0 (None: no class).
        with_box (bool): also a box.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self, in_channels: int, num_classes: int | None = None, with_box: bool = False, init_cfg: dict | list | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.fc_class = nn.Linear(in_channels, num_classes) if num_classes else NoReading()
        self.fc_stop = nn.Linear(in_channels, 1)
        self.fc_box = nn.Linear(in_channels, 4) if with_box else NoReading()

    def forward(self, hidden: Sequence[Tensor]) -> InstanceReading:
        """Hidden states ``(N, C, h, w)`` of the levels, coarsest first."""
        v = torch.cat([h.amax((2, 3)) for h in hidden], 1)
        box = self.fc_box(v)
        return InstanceReading(self.fc_class(v), self.fc_stop(v), box if box is None else box.sigmoid())


@MODELS.register_module()
class PooledScoreHead(BaseModule):
    """Confidence of a step from the last state (RIS): max-pooled to a small grid, one linear layer.

    Args:
        in_channels (int): channels of the state.
        grid (Sequence[int] | None): ``(h, w)`` that the state is max-pooled to (None: not pooled, then ``map_size`` is needed).
        map_size (Sequence[int] | None): ``(h, w)`` of the state where it is not pooled (plants).
        bias (float): initial bias; 10: the sequence goes on.
        init_cfg (dict | list | None): config of the weights' initialisation.

    Raises:
        InputError: neither ``grid`` nor ``map_size``.
    """

    def __init__(
        self,
        in_channels: int,
        grid: Sequence[int] | None = (2, 2),
        map_size: Sequence[int] | None = None,
        bias: float = 10.0,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.grid = tuple(grid) if grid else None
        size = self.grid or map_size
        if size is None:
            raise InputError('a state that is not pooled (grid=None) needs its map_size (h, w).')
        height, width = size
        self.fc_stop = nn.Linear(in_channels * height * width, 1)
        self.bias = bias

    def init_weights(self) -> None:
        """The bias of the paper's initialisation."""
        super().init_weights()
        nn.init.constant_(self.fc_stop.bias, self.bias)

    def forward(self, hidden: Sequence[Tensor]) -> InstanceReading:
        """Hidden states ``(N, C, h, w)``; the last one is read."""
        h = F.adaptive_max_pool2d(hidden[-1], self.grid) if self.grid else hidden[-1]
        return InstanceReading(None, self.fc_stop(h.flatten(1)), None)
