"""ResNet as implementations have it that go back to DeepLab's in Caffe."""

from mmdet.models.backbones import ResNet

from mmvos.registry import MODELS


@MODELS.register_module()
class CeilPoolResNet(ResNet):
    """mmdet's ResNet whose stem pool rounds up, as Caffe's does: one more row where the stem's output is even.

    With ``style='caffe'`` (stride on the first 1x1 convolution) and ``dilations`` it is the DeepLab ResNet. Arguments
    as in ``mmdet.ResNet``.
    """

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        self.maxpool.ceil_mode = True
