"""Ablation: 1 level of the decoder."""

_base_ = '../rsis_r101_voc2012_256x256.py'

D = 128
model = dict(
    backbone=dict(type='mmdet.ResNet', out_indices=(3,)),
    neck=dict(in_channels=(2048,), out_channels=(D,)),
    decoder=dict(skip_channels=(D,), hidden_channels=(D,)),
    head=dict(in_channels=128),
)
