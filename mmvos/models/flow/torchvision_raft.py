"""RAFT of torchvision: an optional extra, imported only when a config asks for it."""

import importlib

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError

from .base import FlowEstimator


@MODELS.register_module()
class TorchvisionRAFT(FlowEstimator):
    """RAFT (Teed and Deng, ECCV 2020) with torchvision's weights, frozen. Needs ``pip install torchvision``.

    Args:
        variant (str): ``'large'`` or ``'small'``.
        weights (str): name of torchvision's weights (they are downloaded), or None.
        num_flow_updates (int): iterations.

    Raises:
        InputError: unknown ``variant``.
        ImportError: torchvision is not installed.
    """

    MIN_SIZE = 128

    def __init__(self, variant: str = 'large', weights: str = 'DEFAULT', num_flow_updates: int = 12) -> None:
        super().__init__(divisor=8)
        if variant not in ('large', 'small'):
            raise InputError(f"variant is {variant!r}; expected 'large' or 'small'.")
        try:
            models = importlib.import_module('torchvision.models.optical_flow')
        except ImportError as error:
            raise ImportError(
                'the flow estimator TorchvisionRAFT needs torchvision, in the build that matches torch. DISFlow needs nothing.'
            ) from error
        self.network = getattr(models, f'raft_{variant}')(weights=weights, progress=False)
        self.num_flow_updates = num_flow_updates
        self.requires_grad_(False)
        self.eval()

    @override
    def train(self, mode: bool = True) -> 'TorchvisionRAFT':
        return super().train(False)

    @torch.no_grad()
    def estimate(self, frames_from: Tensor, frames_to: Tensor) -> Tensor:
        height, width = frames_from.shape[-2:]
        pad = (0, max(self.MIN_SIZE - width, 0), 0, max(self.MIN_SIZE - height, 0))  # RAFT wants 128 pixels a side
        frames = (F.pad(f / 127.5 - 1, pad, mode='replicate') for f in (frames_from, frames_to))
        return self.network(*frames, num_flow_updates=self.num_flow_updates)[-1][..., :height, :width]
