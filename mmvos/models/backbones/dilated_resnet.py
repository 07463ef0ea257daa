"""ResNet whose last stages keep their resolution."""

from typing import Any

from mmdet.models.backbones import ResNet

from mmvos.registry import MODELS


@MODELS.register_module()
class DilatedResNet(ResNet):
    """mmdet's ResNet with a choice of where the dilation of a stage begins.

    mmdet dilates every block of a stage with ``dilations[i] > 1``. Where the stage gave up its stride for it, its first
    block still reads the denser map before it; with ``contract_dilation`` that block keeps the dilation of the stage
    before (as ``contract_dilation`` of mmsegmentation). The weights fit either way, the features differ.

    Args:
        contract_dilation (bool): see above.
        kwargs (dict): arguments of :class:`mmdet.models.backbones.ResNet`.
    """

    def __init__(self, *args: Any, contract_dilation: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not contract_dilation:
            return
        before = 1
        for name, dilation in zip(self.res_layers, self.dilations, strict=True):
            if dilation > before:
                block = getattr(self, name)[0]
                conv = block.conv2 if hasattr(block, 'conv3') else block.conv1  # the 3x3 that carried the stride
                conv.dilation, conv.padding = (before, before), (before, before)
            before = dilation
