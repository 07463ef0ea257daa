"""Ablation: widths and output convolution of the paper's text (D, D, D/2, D/4, D/8 and 1x1).

The released weights halve from the first level on and have 3x3."""

_base_ = 'rsis_r101_voc2012_256x256.py'

D = 128
model = dict(
    decoder=dict(hidden_channels=(D, D, D // 2, D // 4, D // 8), out_kernel_size=1),
    head=dict(in_channels=2 * D + D // 2 + D // 4 + D // 8),
)
