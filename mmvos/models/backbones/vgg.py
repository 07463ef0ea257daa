"""VGG, and the fully convolutional FCN-8s trunk on it."""

import torch
import torch.nn.functional as F
from mmcv.cnn.vgg import VGG as MMCVVGG
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS


@MODELS.register_module()
class VGG(BaseModule):
    """VGG whose outputs are the maps after the max pools: strides 2, 4, 8, 16, 32.

    Args:
        depth (int): 11, 13, 16 or 19.
        out_indices (tuple[int, ...]): stages that are given, 0 (64 channels, stride 2) to 4 (512 channels, stride 32).
        frozen_stages (int): the first stages that are not trained.
        init_cfg (dict | list | None): e.g. ``dict(type='Pretrained', checkpoint=...)`` with keys ``features.*`` as in
            torchvision.
    """

    def __init__(
        self,
        depth: int = 16,
        out_indices: tuple[int, ...] = (0, 1, 2, 3, 4),
        frozen_stages: int = 0,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg or [dict(type='Kaiming', layer='Conv2d')])
        trunk = MMCVVGG(depth, out_indices=tuple(out_indices))
        self.features, self.ranges, self.out_indices = trunk.features, trunk.range_sub_modules, tuple(out_indices)
        for begin, end in self.ranges[:frozen_stages]:
            for index in range(begin, end):
                self.features[index].requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Image ``(N, 3, H, W)`` to the chosen maps, finest first."""
        maps = []
        for stage, (begin, end) in enumerate(self.ranges):
            for index in range(begin, end):
                x = self.features[index](x)
            if stage in self.out_indices:
                maps.append(x)
        return tuple(maps)


@MODELS.register_module()
class FCN8s(BaseModule):
    """FCN-8s with VGG-16 up to the fused sum at stride 8, as features (RIS, section 3 "fully convolutional network").

    The first convolution is padded by 100, so that fc6 (7x7) fits at every size; the score layers give ``channels``
    features in place of class scores. A 500x500 image gives 64x64.

    Args:
        channels (int): d, width of the features (100 for people).
        dropout (float): after fc6 and fc7.
        fc_channels (int): width of fc6 and fc7.
        frozen_stages (int): the first VGG stages that are not trained.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        channels: int = 100,
        dropout: float = 0.5,
        fc_channels: int = 4096,
        frozen_stages: int = 0,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        trunk = MMCVVGG(16, ceil_mode=True, out_indices=(2, 3, 4))
        self.features, self.ranges = trunk.features, trunk.range_sub_modules
        self.features[0].padding = (100, 100)
        for begin, end in self.ranges[:frozen_stages]:
            for index in range(begin, end):
                self.features[index].requires_grad_(False)
        self.fc6 = nn.Conv2d(512, fc_channels, 7)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        self.dropout = nn.Dropout2d(dropout)
        self.score_fr = nn.Conv2d(fc_channels, channels, 1)
        self.score_pool4 = nn.Conv2d(512, channels, 1)
        self.score_pool3 = nn.Conv2d(256, channels, 1)
        self.register_buffer('kernel', bilinear_kernel(4).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Image ``(N, 3, H, W)`` to one map ``(N, channels, about H / 8, about W / 8)``."""
        pools = []
        for begin, end in self.ranges:
            for index in range(begin, end):
                x = self.features[index](x)
            pools.append(x)
        x = self.dropout(F.relu(self.fc6(x)))
        x = self.dropout(F.relu(self.fc7(x)))
        x = self._double(self.score_fr(x))
        x = self._double(x + _centre(self.score_pool4(pools[3]), x))
        return (x + _centre(self.score_pool3(pools[2]), x),)

    def _double(self, x: Tensor) -> Tensor:
        """Twice the size, by a fixed bilinear kernel."""
        return F.conv_transpose2d(x, self.kernel, stride=2, padding=1, groups=x.shape[1])


@MODELS.register_module()
class PlainConvNet(BaseModule):
    """A few convolutions with ReLU at the image's own size (RIS on plants: four 3x3 with 30 channels).

    Args:
        channels (int): width of every layer.
        num_layers (int): how many.
        strides (tuple[int, ...] | None): stride of each layer (None: 1).
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        channels: int = 30,
        num_layers: int = 4,
        strides: tuple[int, ...] | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        strides = strides or (1,) * num_layers
        layers = []
        for i in range(num_layers):
            layers += [nn.Conv2d(channels if i else 3, channels, 3, strides[i], 1), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Image ``(N, 3, H, W)`` to one map ``(N, channels, h, w)``."""
        return (self.layers(x),)


def bilinear_kernel(size: int) -> Tensor:
    """The ``(size, size)`` kernel of a transposed convolution with stride ``size / 2`` that interpolates bilinearly."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    line = 1 - (torch.arange(size) - centre).abs() / factor
    return line[:, None] * line[None]


def _centre(x: Tensor, like: Tensor) -> Tensor:
    """The middle of ``x``, of the size of ``like``."""
    height, width = like.shape[-2:]
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]
