"""Table 2: binary cross entropy."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(loss_mask=dict(_delete_=True, type='InstanceBCELoss'))
