# Ablation (Table 1): no gradient through the Gaussians' means and variances.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(appearance=dict(detach_fit=True))
# made by training agame-no-end-to-end_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-no-end-to-end_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
