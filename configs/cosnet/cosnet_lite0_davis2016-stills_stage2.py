# COSNet on an EfficientNet-Lite0, second stage: once more with other samples and half the learning rate.
_base_ = './cosnet_lite0_davis2016-stills_stage1.py'

max_iters = 220
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
train_dataloader = dict(sampler=dict(seed=1))
randomness = dict(seed=1)
# made by training cosnet_lite0_davis2016-stills_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/cosnet_lite0_davis2016-stills_stage1/iter_400.pth'
