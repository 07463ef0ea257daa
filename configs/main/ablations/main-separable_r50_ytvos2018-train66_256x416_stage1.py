"""Table 1: separable only."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(neck=dict(dilations=(1, 1, 1)))
