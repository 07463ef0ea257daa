"""Table 4: the flow field itself in place of the unit flow."""

_base_ = 'stage3_train66.py'

model = dict(flow_input=dict(_delete_=True, type='RawFlow'))
