"""Optical flow as channels of a network's input."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import InputError

MAGNITUDES = ('max', 'diag', 'clip')


def unit_flow(flow: Tensor, magnitude: str = 'max', limit: float = 20.0, eps: float = 1e-6) -> Tensor:
    """Direction and normalised magnitude of a flow field, all bounded: robust to large displacements and to errors.

    Source: "MAIN: Multi-Attention Instance Network for Video Segmentation", section 3.2, which leaves the normalisation
    of the magnitude open.

    Args:
        flow (Tensor): ``(..., 2, H, W)``, (dx, dy) in pixels. Resize and flip flow before, never what comes out of here.
        magnitude (str): divided by ``'max'``: the largest one of the frame; ``'diag'``: the frame's diagonal; ``'clip'``:
            ``limit``; the last two are cut at 1.
        limit (float): see ``magnitude``, in pixels.
        eps (float): vectors up to this length have no direction (0, 0).

    Returns:
        ``(..., 3, H, W)``: direction x and y in [-1, 1], magnitude in [0, 1].
    """
    length = flow.square().sum(-3, keepdim=True).sqrt()
    direction = torch.where(length > eps, flow / length.clamp(min=eps), torch.zeros_like(flow))
    if magnitude == 'max':
        largest = length.amax((-2, -1), keepdim=True)
        size = torch.where(largest > eps, length / largest.clamp(min=eps), torch.zeros_like(length))
    elif magnitude == 'diag':
        height, width = flow.shape[-2:]
        size = (length / (height**2 + width**2) ** 0.5).clamp(max=1)
    elif magnitude == 'clip':
        size = (length / limit).clamp(max=1)
    else:
        raise InputError(f'magnitude {magnitude!r} is not known; expected one of {MAGNITUDES}.')
    return torch.cat((direction, size), -3)


class FlowInput(BaseModule):
    """Optical flow as input channels of a network.

    Attributes of the class:
        cue (str): name among the network's inputs.
        channels (int): number of input channels.
    """

    cue: str
    channels: int

    def cues(self) -> dict[str, int]:
        """Names and channels of the inputs."""
        return {self.cue: self.channels}


@MODELS.register_module()
class UnitFlow(FlowInput):
    """:func:`unit_flow` as a part of a model.

    Args:
        magnitude (str): see :func:`unit_flow`.
        limit (float): see :func:`unit_flow`.

    Raises:
        InputError: unknown ``magnitude``.
    """

    cue, channels = 'uof', 3

    def __init__(self, magnitude: str = 'max', limit: float = 20.0) -> None:
        super().__init__()
        if magnitude not in MAGNITUDES:
            raise InputError(f'magnitude {magnitude!r} is not known; expected one of {MAGNITUDES}.')
        self.magnitude, self.limit = magnitude, limit

    def forward(self, flow: Tensor) -> Tensor:
        return unit_flow(flow.float(), self.magnitude, self.limit)


@MODELS.register_module()
class RawFlow(FlowInput):
    """The flow field itself, in pixels: what the unit flow is compared with."""

    cue, channels = 'flow', 2

    def forward(self, flow: Tensor) -> Tensor:
        return flow.float()


class NoFlowInput(FlowInput):
    """In place of a flow input that is switched off."""

    channels = 0

    def cues(self) -> dict[str, int]:
        """No input."""
        return {}

    def forward(self, flow: Tensor) -> Tensor:
        """Flow ``(B, 2, H, W)`` to no channel ``(B, 0, H, W)``."""
        return flow[:, :0]
