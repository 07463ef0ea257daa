# RecallVOS, fifth stage: the same once more with other clips and a lower learning rate.
_base_ = './recall-vos_lite0_davis2016-synthvos_stage4.py'

max_iters = 700
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 30)
train_dataloader = dict(sampler=dict(seed=4), dataset=dict(streams=dict(synthvos=dict(seed=4))))
randomness = dict(seed=4)
# made by training recall-vos_lite0_davis2016-synthvos_stage4.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage4/iter_900.pth'
