"""Table 3: short-term attention, RGB + unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage3.py'

model = dict(lta=None)
