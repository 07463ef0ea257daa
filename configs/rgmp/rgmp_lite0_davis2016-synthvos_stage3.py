# RGMP on an EfficientNet-Lite0, third stage: once more with other clips and half the learning rate.
_base_ = './rgmp_lite0_davis2016-synthvos_stage2.py'

max_iters = 300
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 40)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4))
train_dataloader = dict(sampler=dict(seed=2), dataset=dict(streams=dict(synthvos=dict(seed=2))))
randomness = dict(seed=2)
# made by training rgmp_lite0_davis2016-synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_lite0_davis2016-synthvos_stage2/iter_350.pth'
