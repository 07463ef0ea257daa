# Ablation (Table 1): the Gaussians of the first frame are kept.
_base_ = './agame_r101_main_stage2.py'

model = dict(appearance=dict(update_rate=0.0))
load_from = 'work_dirs/agame_r101_ablation_no_update_stage1/epoch_160.pth'
