"""Ablation: no skip beyond the coarsest level."""

_base_ = '../rsis_r101_voc2012_256x256.py'

model = dict(decoder=dict(skip_mode='none'))
find_unused_parameters = True  # the finer skips
