# The paper's model that has seen YouTube-VOS alone ("A-GAME†"), stage 1. The rest is as in the run file "main".
_base_ = './agame_r101_davis2017-ytvos2018_stage1.py'

train_dataloader = dict(dataset=dict(_base_.ytvos, _delete_=True))
