"""Table 3: short-term attention, RGB + unit flow."""

_base_ = 'stage3_train66.py'

model = dict(lta=None)
