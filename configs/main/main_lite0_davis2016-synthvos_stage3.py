# Third stage: once more with other clips and half the learning rate.
_base_ = './main_lite0_davis2016-synthvos_stage2.py'

max_iters = 900
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
train_dataloader = dict(sampler=dict(seed=2), dataset=dict(streams=dict(synthvos=dict(seed=2))))
randomness = dict(seed=2)
# made by training main_lite0_davis2016-synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_lite0_davis2016-synthvos_stage2/iter_1000.pth'
