# Stage 4: Re-MP and the feature network, from stride 8 on, with other clips. The features that proposals and Re-ID know change
# with it: stage 6 trains those anew.
_base_ = './dyenet_lite0_davis2016-synthvos_stage3.py'
# made by training dyenet_lite0_davis2016-synthvos_stage3.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet_lite0_davis2016-synthvos_stage3/iter_700.pth'

model = dict(backbone=dict(frozen_stages=2))
max_iters = 900
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=6e-4), paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.2)}))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 40)
train_dataloader = dict(sampler=dict(seed=3), dataset=dict(streams=dict(synthvos=dict(seed=3))))
randomness = dict(seed=3)
