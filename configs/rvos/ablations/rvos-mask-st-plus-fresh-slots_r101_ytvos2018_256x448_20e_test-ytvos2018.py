"""Test of RVOS-Mask-ST+ without idle slots: the slot of a late object begins with a zero state."""

_base_ = '../rvos-mask-st_r101_ytvos2018_256x448_20e.py'

model = dict(test_cfg=dict(num_slots=0))
