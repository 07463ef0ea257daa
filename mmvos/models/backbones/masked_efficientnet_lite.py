"""EfficientNet-Lite that sees a mask besides the image."""

from typing import Any

from mmcv.cnn import build_conv_layer
from torch import Tensor, nn

from mmvos.registry import MODELS

from .efficientnet_lite import SAME, EfficientNetLite


@MODELS.register_module()
class MaskedEfficientNetLite(EfficientNetLite):
    """EfficientNet-Lite whose stem adds a convolution of a mask to that of the image, before the normalisation.

    What :class:`MaskedResNet` is to a ResNet: the package's ImageNet weights fill all but the mask's convolution, which
    begins at zero, so that training begins with the features of the image alone.

    Args:
        kwargs (dict): arguments of :class:`EfficientNetLite`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        image_conv = self.stem.conv
        self.stem_mask = build_conv_layer(
            SAME, 1, image_conv.out_channels, image_conv.kernel_size[0], stride=image_conv.stride[0], bias=False
        )
        nn.init.zeros_(self.stem_mask.weight)

    def forward(self, image: Tensor, mask: Tensor, num_stages: int | None = None) -> tuple[Tensor, ...]:  # type: ignore[override]  # it takes a mask as well
        """Features of images with masks.

        Args:
            image (Tensor): ``(B, 3, H, W)``, normalised; or ``(1, 3, H, W)`` for all masks, whose convolution is computed
                once.
            mask (Tensor): ``(B, 1, H, W)`` in 0..1.
            num_stages (int | None): number of the maps that are computed; None: all of ``out_indices``.

        Returns:
            Maps of the first ``num_stages`` of ``out_indices``.
        """
        x = self.stem.conv(image) + self.stem_mask(mask)
        return self._maps(self.stem.activate(self.stem.norm(x)), 0, self.out_indices[:num_stages])

    def later_stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps ``(N, C, h, w)`` after the first one of ``out_indices``, which ``x`` is."""
        return self._maps(x, self.out_indices[0], self.out_indices[1:])

    def _maps(self, x: Tensor, level: int, wanted: tuple[int, ...]) -> tuple[Tensor, ...]:
        outputs = {level: x}
        for index in range(level, max(wanted)):
            x = self.levels[index](x)
            outputs[index + 1] = x
        return tuple(outputs[i] for i in wanted)
