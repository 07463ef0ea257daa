# AGSS-VOS on an EfficientNet-Lite0, third stage: once more with other clips and half the learning rate.
_base_ = './agss-vos_lite0_davis2016-synthvos_stage2.py'

max_iters = 240
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=20)
param_scheduler[1].update(begin=20, end=max_iters, eta_min=1e-5)
train_dataloader = dict(sampler=dict(seed=2), dataset=dict(streams=dict(synthvos=dict(seed=2))))
randomness = dict(seed=2)
# made by training agss-vos_lite0_davis2016-synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agss-vos_lite0_davis2016-synthvos_stage2/iter_450.pth'
