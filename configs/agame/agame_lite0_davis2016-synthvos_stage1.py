# A-GAME with small layers on a frozen EfficientNet-Lite0, on DAVIS 2016 train and SynthVOS clips in turn. One core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/agame_lite0.py']

max_iters = 450
train_dataloader = dict(batch_sampler=dict(batch_size=2))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
