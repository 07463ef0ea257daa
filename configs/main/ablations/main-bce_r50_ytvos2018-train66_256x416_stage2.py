"""Table 2: binary cross entropy."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(loss_mask=dict(_delete_=True, type='InstanceBCELoss'))
# made by training main-bce_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-bce_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
