# Ablation (Table 1): posteriors instead of log scores go to the fusion.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(appearance=dict(output='posterior'))
# made by training agame-softmax_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-softmax_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
