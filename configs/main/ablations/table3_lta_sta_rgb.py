"""Table 3: both attentions, RGB."""

_base_ = 'stage3_train66.py'

model = dict(flow_input=None)
