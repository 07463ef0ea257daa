# Ablation (Table 1): no appearance module.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(appearance=None, fusion=dict(in_channels=512))
# made by training agame-no-appearance_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-no-appearance_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
