"""Table 3: no attention, RGB. Slots mean nothing here, so they are not shuffled."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(lta=None, flow_input=None, instance_shuffle=False)
