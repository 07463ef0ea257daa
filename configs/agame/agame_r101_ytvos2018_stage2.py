# The paper's model that has seen YouTube-VOS alone ("A-GAME†"), stage 2: as many clips an epoch as with both sets (120).
_base_ = './agame_r101_davis2017-ytvos2018_stage2.py'
# made by training agame_r101_ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_r101_ytvos2018_stage1/epoch_160.pth'

train_dataloader = dict(sampler=dict(num_samples=120), dataset=dict(_base_.ytvos, _delete_=True))
