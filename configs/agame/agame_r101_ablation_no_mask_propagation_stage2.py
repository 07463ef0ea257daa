# Ablation (Table 1): no mask-propagation module.
_base_ = './agame_r101_main_stage2.py'

model = dict(mask_propagation=None, fusion=dict(in_channels=4))
load_from = 'work_dirs/agame_r101_ablation_no_mask_propagation_stage1/epoch_160.pth'
