# RGMP with a small network without pretraining, on procedural clips: learns in under two minutes on a CPU.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos_mini.py', '../_base_/models/rgmp_r50.py']
clip_len = 7
model = dict(
    encoder=dict(depth=18, base_channels=16, norm_cfg=dict(type='GN', num_groups=4), init_cfg=None),
    decoder=dict(in_channels=(16, 32, 64, 128), channels=32),
    scales=(1.0,),
    loss_mask=dict(type='InstanceIoULoss'),
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len - 1, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=20),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(num_frames=clip_len, pipeline=train_pipeline))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=320, val_interval=320)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1.5e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='CosineAnnealingLR', T_max=320, eta_min=1e-5, by_epoch=False)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=320), logger=dict(interval=10))
randomness = dict(seed=0)
