"""Table 4: the flow field itself in place of the unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(flow_input=dict(_delete_=True, type='RawFlow'))
