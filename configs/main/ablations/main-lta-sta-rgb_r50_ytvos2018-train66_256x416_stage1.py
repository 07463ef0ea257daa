"""Table 3: both attentions, RGB."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(flow_input=None)
