# AdamW with a warm-up and a cosine, averaged weights, no validation: for lite0 models, made for one core of a CPU.
_base_ = '../default_runtime.py'

max_iters = 600
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=False, begin=40, end=max_iters),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=50, max_keep_ckpts=2), logger=dict(interval=10))
custom_hooks = [dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.01, gamma=100)]
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
