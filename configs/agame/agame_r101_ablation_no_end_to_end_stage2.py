# Ablation (Table 1): no gradient through the Gaussians' means and variances.
_base_ = './agame_r101_main_stage2.py'

model = dict(appearance=dict(detach_fit=True))
load_from = 'work_dirs/agame_r101_ablation_no_end_to_end_stage1/epoch_160.pth'
