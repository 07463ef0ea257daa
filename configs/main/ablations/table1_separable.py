"""Table 1: separable only."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(neck=dict(dilations=(1, 1, 1)))
