"""Ablation: VGG-16; the five maps after its max pools."""

_base_ = 'rsis_r101_voc2012_256x256.py'

model = dict(
    backbone=dict(_delete_=True, type='VGG', depth=16, init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    neck=dict(in_channels=(64, 128, 256, 512, 512)),
)
