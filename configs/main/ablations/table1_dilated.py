"""Table 1: dilated only."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(neck=dict(separable=False))
