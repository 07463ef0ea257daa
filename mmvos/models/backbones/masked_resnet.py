"""ResNet that sees a mask besides the image."""

from collections.abc import Sequence
from typing import Any

from mmdet.models.backbones import ResNet
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError


@MODELS.register_module()
class MaskedResNet(ResNet):
    """mmdet's ResNet whose stem adds a convolution of a mask to that of the image, before the normalisation.

    The mask is used as it is, 0..1. Names and weights of all other parameters are those of ``mmdet.ResNet``, so that
    its pretrained weights fit. Source: RGMP (Oh et al., CVPR 2018), section 3.1; there called a four-channel input.

    Args:
        depth (int): 18, 34, 50, 101 or 152.
        blocks (Sequence[int] | None): number of residual blocks of every stage; None: those of ``depth``. Pretrained weights
            of ``depth`` fill the blocks that it has too.
        kwargs (dict): arguments of ``mmdet.ResNet``.

    Raises:
        InputError: unknown ``depth``.
    """

    def __init__(self, depth: int, blocks: Sequence[int] | None = None, **kwargs: Any) -> None:
        if blocks is not None:
            if depth not in ResNet.arch_settings:
                raise InputError(f'depth is {depth!r}; expected one of {sorted(ResNet.arch_settings)}.')
            self.arch_settings = {depth: (ResNet.arch_settings[depth][0], tuple(blocks))}
        super().__init__(depth, **kwargs)

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        if self.deep_stem:
            raise InputError('MaskedResNet adds the mask to a stem of one convolution: deep_stem has to be False.')
        self.conv1_p = nn.Conv2d(1, stem_channels, 7, stride=2, padding=3)

    def forward(self, image: Tensor, mask: Tensor, num_stages: int | None = None) -> tuple[Tensor, ...]:
        """Features of images with masks.

        Args:
            image (Tensor): ``(B, 3, H, W)``, normalised; or ``(1, 3, H, W)`` for all masks, whose convolution is computed once.
            mask (Tensor): ``(B, 1, H, W)`` in 0..1.
            num_stages (int | None): stop after so many stages (default: all).

        Returns:
            Maps of the stages that were run, strides 4, 8, 16, 32.
        """
        x = self.conv1(image) + self.conv1_p(mask)
        return self._stages(self.maxpool(self.relu(self.norm1(x))), self.res_layers[:num_stages])

    def later_stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps ``(N, C, h, w)`` of the stages after the first one, whose map ``x`` is."""
        return self._stages(x, self.res_layers[1:])

    def _stages(self, x: Tensor, names: Sequence[str]) -> tuple[Tensor, ...]:
        maps = []
        for name in names:
            x = getattr(self, name)(x)
            maps.append(x)
        return tuple(maps)
