"""Table 2: binary cross entropy."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(loss_mask=dict(_delete_=True, type='InstanceBCELoss'))
