# Stage 2 of the run file "davis": 59 iterations per epoch, without zoom.
_base_ = './agame_r101_davis2017-ytvos2018_stage2.py'
# made by training agame_r101_davis2017_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_r101_davis2017_stage1/epoch_80.pth'

train_dataloader = dict(sampler=dict(num_samples=118, replacement=True), dataset=dict(_base_.davis, _delete_=True))
