"""Normalisation of pairs of frames (training) and of single frames (inference)."""

from typing import Any

import torch.nn.functional as F
from mmdet.models.data_preprocessors import TrackDataPreprocessor
from torch import Tensor

from mmvos.registry import MODELS


@MODELS.register_module()
class VISDataPreprocessor(TrackDataPreprocessor):
    """mmdet's ``TrackDataPreprocessor`` for training; videos pass through, their frames are normalised one by one.

    Args: see ``mmdet.TrackDataPreprocessor``.
    """

    def normalise(self, pixels: Tensor) -> Tensor:
        """RGB 0..255 ``(1, 3, h, w)`` to the network's input, padded on the right and below as in training."""
        if not self._channel_conversion:
            pixels = pixels.flip(1)
        image = (pixels - self.mean) / self.std if self._enable_normalize else pixels
        bottom, right = (-side % self.pad_size_divisor for side in image.shape[-2:])
        return F.pad(image, (0, right, 0, bottom), value=self.pad_value)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """A batch of pairs, normalised; or videos as they are."""
        if not isinstance(data['inputs'][0], Tensor):  # videos
            return data
        return super().forward(data, training)
