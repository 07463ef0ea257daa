"""Ablation: 2 levels of the decoder."""

_base_ = '../rsis_r101_voc2012_256x256.py'

D = 128
model = dict(
    backbone=dict(type='mmdet.ResNet', out_indices=(2, 3)),
    neck=dict(in_channels=(1024, 2048), out_channels=(D, D)),
    decoder=dict(skip_channels=(D, D), hidden_channels=(D, D // 2)),
    head=dict(in_channels=192),
)
