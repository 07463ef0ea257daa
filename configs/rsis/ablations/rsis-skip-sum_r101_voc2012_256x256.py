"""Ablation: skips and upsampled states join by 'sum'."""

_base_ = '../rsis_r101_voc2012_256x256.py'

model = dict(decoder=dict(skip_mode='sum'))
