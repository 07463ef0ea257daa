"""Table 2: binary cross entropy."""

_base_ = 'stage3_train66.py'

model = dict(loss_mask=dict(_delete_=True, type='InstanceBCELoss'))
