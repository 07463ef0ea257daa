"""Ablation: ResNet-50."""

_base_ = 'rsis_r101_voc2012_256x256.py'

model = dict(backbone=dict(depth=50, init_cfg=dict(checkpoint='torchvision://resnet50')))
