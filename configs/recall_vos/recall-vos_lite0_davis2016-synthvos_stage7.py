# RecallVOS, seventh stage: all 30 sequences, now that nothing more is chosen on those that were left out.
_base_ = './recall-vos_lite0_davis2016-synthvos_stage6.py'

max_iters = 600
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 30)
train_dataloader = dict(sampler=dict(seed=6), dataset=dict(streams=dict(davis=dict(exclude=[]), synthvos=dict(seed=6))))
randomness = dict(seed=6)
# made by training recall-vos_lite0_davis2016-synthvos_stage6.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage6/iter_700.pth'
