"""Table 1: neither separable nor dilated."""

_base_ = 'stage3_train66.py'

model = dict(neck=dict(separable=False, dilations=(1, 1, 1)))
