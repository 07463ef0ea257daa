"""ResNet that also gives the map of its stem."""

from mmdet.models.backbones import ResNet
from torch import Tensor

from mmvos.registry import MODELS


@MODELS.register_module()
class StemResNet(ResNet):
    """mmdet's ResNet with one more output in front: the stem before the max pool, 64 channels at stride 2.

    Parameters, names and weights are those of ``mmdet.ResNet``.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Image ``(N, 3, H, W)`` to maps of strides 2, then 4, 8, 16, 32 as ``out_indices`` says."""
        stem = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        maps = [stem]
        x = self.maxpool(stem)
        for index, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if index in self.out_indices:
                maps.append(x)
        return tuple(maps)
