"""Table 4: the flow field itself in place of the unit flow."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(flow_input=dict(_delete_=True, type='RawFlow'))
