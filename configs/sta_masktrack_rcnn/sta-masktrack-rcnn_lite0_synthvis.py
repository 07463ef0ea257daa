# STA-MaskTrack R-CNN, trained on SynthVIS of photographs alone; made for a CPU.
_base_ = [
    '../_base_/models/sta-masktrack-rcnn_lite0.py',
    '../_base_/datasets/synthvis_photo.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(gamma=dict(lr_mult=10.0, decay_mult=0.0))),
    clip_grad=dict(max_norm=10, norm_type=2),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2250, val_interval=2250)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=2500, eta_min=1e-5),  # ends where it is low enough
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(by_epoch=False, interval=250, max_keep_ckpts=2))
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
