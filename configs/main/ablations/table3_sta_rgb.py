"""Table 3: short-term attention, RGB."""

_base_ = 'stage3_train66.py'

model = dict(lta=None, flow_input=None)
