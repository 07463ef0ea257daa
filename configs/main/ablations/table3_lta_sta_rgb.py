"""Table 3: both attentions, RGB."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(flow_input=None)
