# Ablation (Table 1): posteriors instead of log scores go to the fusion.
_base_ = './agame_r101_main_stage2.py'

model = dict(appearance=dict(output='posterior'))
load_from = 'work_dirs/agame_r101_ablation_softmax_stage1/epoch_160.pth'
