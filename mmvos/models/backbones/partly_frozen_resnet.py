"""A ResNet whose last stage trains only in its last blocks."""

from typing import Any

import torch
from mmdet.models.backbones import ResNet
from torch import Tensor

from mmvos.registry import MODELS


@MODELS.register_module()
class PartlyFrozenResNet(ResNet):
    """mmdet's ResNet with everything frozen up to a block of its last stage.

    What is frozen runs without a graph, so that a deep stage costs no memory in training, and keeps its batch norms'
    statistics. DyeNet trains only the last three blocks of conv4_x.

    Args:
        frozen_blocks (int): how many blocks of the last stage are frozen, with all stages before it (0: ``frozen_stages``
            rules).
        kwargs (dict): arguments of ``mmdet.ResNet``.
    """

    def __init__(self, *args: Any, frozen_blocks: int = 0, **kwargs: Any) -> None:
        self.frozen_blocks = frozen_blocks
        if frozen_blocks:
            kwargs['frozen_stages'] = kwargs.get('num_stages', 4) - 1
        super().__init__(*args, **kwargs)

    def _freeze_stages(self) -> None:
        super()._freeze_stages()
        if self.frozen_blocks:
            for block in list(getattr(self, self.res_layers[-1]))[: self.frozen_blocks]:
                block.eval()
                for parameter in block.parameters():
                    parameter.requires_grad = False

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if not self.frozen_blocks:
            return super().forward(x)
        outputs = []
        with torch.no_grad():
            x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
            x = self.maxpool(x)
            for index, name in enumerate(self.res_layers[:-1]):
                x = getattr(self, name)(x)
                if index in self.out_indices:
                    outputs.append(x)
            last = list(getattr(self, self.res_layers[-1]))
            for block in last[: self.frozen_blocks]:
                x = block(x)
        for block in last[self.frozen_blocks :]:
            x = block(x)
        outputs.append(x)
        return tuple(outputs)
