# AGSS-VOS with a small network without pretraining, on procedural clips: learns in about a minute on a CPU.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos_mini.py', '../_base_/models/agss-vos_r50.py']
clip_len = 7
model = dict(
    encoder=dict(depth=18, base_channels=16, norm_cfg=dict(type='GN', num_groups=4), init_cfg=None),
    attention=dict(in_channels=16, channels=32),
    decoder=dict(in_channels=(16, 32, 64, 128), channels=32),
    flow=dict(preset='medium'),
    test_cfg=dict(resize=dict(_delete_=True, type='NativeSize'), upsample='scores'),
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len - 1, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=20),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(num_frames=clip_len, pipeline=train_pipeline))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='CosineAnnealingLR', T_max=200, eta_min=1e-5, by_epoch=False)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=200), logger=dict(interval=10))
randomness = dict(seed=0)
