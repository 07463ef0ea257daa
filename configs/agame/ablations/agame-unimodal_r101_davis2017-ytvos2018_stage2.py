# Ablation (Table 1): one Gaussian for the object and one for the background.
_base_ = '../agame_r101_davis2017-ytvos2018_stage2.py'

model = dict(appearance=dict(hard_components=False), fusion=dict(in_channels=2 + 512))
# made by training agame-unimodal_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-unimodal_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
