# Stage 2 as the paper tells it: the coarse mask has its loss here too.
_base_ = './agame_r101_davis2017-ytvos2018_stage2.py'
# made by training agame-paper_r101_davis2017-ytvos2018-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame-paper_r101_davis2017-ytvos2018-synthvos_stage1/epoch_80.pth'
model = dict(appearance=dict(pseudo_cells=0), loss_coarse=dict(_delete_=True, type='MaskLogLikelihoodLoss', loss_weight=1.0))
