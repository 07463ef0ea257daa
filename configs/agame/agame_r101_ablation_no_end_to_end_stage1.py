# Ablation (Table 1): no gradient through the Gaussians' means and variances.
_base_ = './agame_r101_main_stage1.py'

model = dict(appearance=dict(detach_fit=True))
