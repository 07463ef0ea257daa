# Ablation (Table 1): no mask-propagation module.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(mask_propagation=None, fusion=dict(in_channels=4))
# made by training agame-no-mask-propagation_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-no-mask-propagation_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
