"""Table 3: long-term attention, RGB."""
_base_ = ['../main_r50_stage2_ytvos2018_256x416.py', 'train66.py']

model = dict(flow_input=None)
