# Ablation (Table 1): no gradient through the Gaussians' means and variances.
_base_ = '../agame_r101_davis2017-ytvos2018_stage1.py'

model = dict(appearance=dict(detach_fit=True))
