# Fine-tuned on DAVIS 2017 from the YouTube-VOS model: 100 epochs, one tenth of the rate, the same for all layers.
_base_ = './agss-vos_r50_davis2017_832x448.py'
# made by training agss-vos_r50_ytvos2018_640x320.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agss-vos_r50_ytvos2018_640x320/epoch_5.pth'

max_epochs = 100
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-6), paramwise_cfg=dict(_delete_=True))
param_scheduler = dict(end=max_epochs)
