"""Table 3: short-term attention, RGB + unit flow."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(lta=None)
