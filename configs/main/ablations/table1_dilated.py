"""Table 1: dilated only."""

_base_ = 'stage3_train66.py'

model = dict(neck=dict(separable=False))
