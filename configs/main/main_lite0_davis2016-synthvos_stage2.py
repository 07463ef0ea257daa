# Second stage: the same once more, longer, with other clips.
_base_ = './main_lite0_davis2016-synthvos_stage1.py'

max_iters = 1000
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
train_dataloader = dict(sampler=dict(seed=1), dataset=dict(streams=dict(synthvos=dict(seed=1))))
randomness = dict(seed=1)
# made by training main_lite0_davis2016-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_lite0_davis2016-synthvos_stage1/iter_450.pth'
