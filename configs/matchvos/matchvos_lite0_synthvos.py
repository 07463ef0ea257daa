# Trained on SynthVOS with photographic cut-outs alone; made for a CPU.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos.py', '../_base_/models/matchvos_lite0.py']

clip_len = 4
size = (192, 336)  # a window of a frame at the test scale: objects are as large in pixels as they will be there
max_iters = 1800

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=2, min_pixels=60),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        num_frames=clip_len,
        size=size,
        num_objects=(1, 4),
        settings=dict(object_scale=(0.3, 1.1), speed=0.08, deform=0.15, camera_pan=0.03, distractor_prob=0.3),
        pipeline=train_pipeline,
    ),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=max_iters - 50, eta_min=1e-5, by_epoch=False, begin=50, end=max_iters),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=200), logger=dict(interval=20))
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
