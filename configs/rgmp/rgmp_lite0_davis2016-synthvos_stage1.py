# RGMP on an EfficientNet-Lite0, first stage, on DAVIS 2016 train and SynthVOS clips in turn. Made for one core of a CPU.
_base_ = [
    '../_base_/datasets/davis2016_synthvos_reference.py',
    '../_base_/schedules/lite0.py',
    '../_base_/models/rgmp_lite0.py',
]

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
