"""The block of MobileNetV2 and EfficientNet-Lite, with mmdet's parameter names, for the light models to start without mmdet."""

from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class InvertedResidual(nn.Module):
    """Wider, depthwise, narrower again (MobileNetV2, section 3.3), and the input added where the size stays.

    Args:
        in_channels, out_channels (int): channels of the narrow ends.
        mid_channels (int): channels of the depthwise convolution; equal to ``in_channels``: there is nothing to widen.
        kernel_size, stride, dilation (int): kernel size, stride and dilation of the depthwise convolution.
        with_cp (bool): gradient checkpointing.
        conv_cfg, norm_cfg, act_cfg (dict): config of the layers; the last convolution has no activation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int,
        kernel_size: int,
        stride: int,
        dilation: int,
        with_cp: bool,
        conv_cfg: dict | None,
        norm_cfg: dict,
        act_cfg: dict,
    ) -> None:
        super().__init__()
        self.adds_input = stride == 1 and in_channels == out_channels
        self.with_cp = with_cp
        parts = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        if mid_channels != in_channels:
            self.expand_conv = ConvModule(in_channels, mid_channels, 1, **parts)
        self.depthwise_conv = ConvModule(
            mid_channels,
            mid_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 * dilation,
            dilation=dilation,
            groups=mid_channels,
            conv_cfg=conv_cfg,
            **parts,
        )
        self.linear_conv = ConvModule(mid_channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map ``(B, in_channels, H, W)`` to ``(B, out_channels, H / stride, W / stride)``."""
        if self.with_cp and x.requires_grad:
            return checkpoint(self._forward, x, use_reentrant=False)
        return self._forward(x)

    def _forward(self, x: Tensor) -> Tensor:
        out = x
        for layer in self.children():
            out = layer(out)
        return x + out if self.adds_input else out
