"""Table 3: long-term attention, RGB."""

_base_ = 'stage2_train66.py'

model = dict(flow_input=None)
