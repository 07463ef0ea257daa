"""Table 1: dilated only."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(neck=dict(separable=False))
