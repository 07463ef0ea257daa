"""Ablation RVOS-T, zero-shot."""

_base_ = '../rvos-st_r101_ytvos2018_256x448_50e.py'

model = dict(spatial_recurrence=False)
