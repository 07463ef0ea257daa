# RGMP on an EfficientNet-Lite0, fourth stage: from the mean of the ends of stages 2 and 3; colours change, and other objects
# move through the real videos.
_base_ = ['../_base_/datasets/davis2016_synthvos_pasted.py', '../_base_/schedules/lite0.py', '../_base_/models/rgmp_lite0.py']

clip_len = 6
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len, reference='random')
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len, reference='random')
train_dataloader = dict(
    sampler=dict(seed=3),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len + 1, seed=3, pipeline=synthvos_pipeline)
        )
    ),
)

max_iters = 400
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 40)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4))
randomness = dict(seed=3)
# made by tools/model_converters/average_checkpoints.py; another one: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_lite0_davis2016-synthvos_stage3/mean.pth'
