"""Table 1: separable only."""

_base_ = 'stage3_train66.py'

model = dict(neck=dict(dilations=(1, 1, 1)))
