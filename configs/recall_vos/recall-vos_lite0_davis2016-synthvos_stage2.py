# Second stage: longer and larger clips. The weights that come with MMVOS began with the averaged weights of iteration 600 of
# stage 1, which had 900 to go.
_base_ = './recall-vos_lite0_davis2016-synthvos_stage1.py'

clip_len = 6
size = (256, 448)
max_iters = 160
# made by training recall-vos_lite0_davis2016-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage1/iter_900.pth'

# the whole pipelines once more: a list replaces the one of the base, whose own variables are not read again
davis_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5, gap=(1, 3)),
    dict(type='LoadClip'),
    dict(type='ResizeClip', short_side=320),
    dict(type='RandomResizeClip', scales=(0.7, 1.25), continuous=True, backend='cv2'),
    dict(type='RandomCropClip', size=size),
    dict(type='SelectObjects', max_objects=2, min_pixels=60),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
synthvos_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_sampler=dict(batch_size=1),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline),
            synthvos=dict(num_frames=clip_len, size=size, settings=dict(speed=0.06), seed=1, pipeline=synthvos_pipeline),
        )
    ),
)

train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=8e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=10),
    dict(type='CosineAnnealingLR', T_max=max_iters - 10, eta_min=2e-5, by_epoch=False, begin=10, end=max_iters),
]
randomness = dict(seed=1)
default_hooks = dict(checkpoint=dict(interval=20))
custom_hooks = [dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.03, gamma=100)]
