# RGMP on an EfficientNet-Lite0, fifth stage: clips of eight frames; the encoder learns more slowly than the rest, and the
# moving mean of the weights goes back further.
_base_ = './rgmp_lite0_davis2016-synthvos_stage4.py'

clip_len = 8
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    sampler=dict(seed=4),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len + 1, seed=4, pipeline=synthvos_pipeline)
        )
    ),
)

max_iters = 500
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=4e-4), paramwise_cfg=dict(custom_keys={'encoder': dict(lr_mult=0.3)}))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 40)
custom_hooks = [dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.004, gamma=100)]
randomness = dict(seed=4)
# made by training rgmp_lite0_davis2016-synthvos_stage4.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_lite0_davis2016-synthvos_stage4/iter_400.pth'
