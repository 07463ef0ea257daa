"""Table 3: short-term attention, RGB."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage3.py'

model = dict(lta=None, flow_input=None)
