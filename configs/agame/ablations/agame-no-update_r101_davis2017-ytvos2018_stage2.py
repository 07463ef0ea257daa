# Ablation (Table 1): the Gaussians of the first frame are kept.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(appearance=dict(update_rate=0.0))
# made by training agame-no-update_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-no-update_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
