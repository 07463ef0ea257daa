"""Normalisation of clips and frames."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class VOSDataPreprocessor(BaseDataPreprocessor):
    """Collates, moves to the device and normalises.

    Training input: a list of uint8 clips ``(T, 3, H, W)`` in BGR (as mmcv loads them), all of one size; output float
    ``(B, T, 3, H, W)``. Test input: videos, which pass through untouched; the session normalises frame by frame.

    Args:
        mean, std (Sequence[float]): three numbers each, in 0..255 units, in the channel order that the network sees.
        rgb (bool): whether the network sees RGB (True) or BGR.
        channels_last (bool): memory format of the images.
        non_blocking (bool | None): whether copies to the device run next to other work.
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        rgb: bool = True,
        channels_last: bool = False,
        non_blocking: bool | None = True,
    ) -> None:
        super().__init__(non_blocking)
        self.rgb = rgb
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalise(self, pixels: Tensor) -> Tensor:
        """RGB 0..255 ``(..., 3, H, W)`` to the network's input."""
        if not self.rgb:
            pixels = pixels.flip(-3)
        image = (pixels - self.mean) / self.std
        return image.contiguous(memory_format=self.memory_format) if image.dim() == 4 else image

    def pixels(self, image: Tensor) -> Tensor:
        """The inverse of :meth:`normalise`: network input ``(..., 3, H, W)`` to RGB 0..255 (for optical flow)."""
        pixels = image * self.std + self.mean
        return pixels if self.rgb else pixels.flip(-3)

    @override
    def forward(self, data: dict, training: bool = False) -> dict:
        inputs = data['inputs']
        if not isinstance(inputs[0], Tensor):  # videos
            return data
        sizes = {tuple(clip.shape) for clip in inputs}
        if len(sizes) > 1:
            raise InputError(
                f'the clips of a batch differ in size: {sorted(sizes)}. End the training pipeline with a '
                'resize or crop to one size and sample clips of one length.'
            )
        inputs = torch.stack([self.cast_data(clip) for clip in inputs]).float()
        return dict(inputs=self.normalise(inputs.flip(-3)), data_samples=self.cast_data(data.get('data_samples')))
