# A-GAME with small layers on a frozen EfficientNet-Lite0, on procedural clips: learns in about a minute on a CPU.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos_mini.py', '../_base_/models/agame_r101.py']
model = dict(
    data_preprocessor=dict(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(2, 3, 5),
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    neck=dict(type='LevelConcat', levels=1),
    appearance=dict(in_channels=112, channels=64),
    mask_propagation=dict(in_channels=112, channels=48),
    fusion=dict(in_channels=4 + 48, mid_channels=64, channels=32),
    upsampler=dict(skip_channels=(40, 24), channels=32),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=150, val_interval=150)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='CosineAnnealingLR', T_max=150, eta_min=1e-5, by_epoch=False)
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=150), logger=dict(interval=10))
randomness = dict(seed=0)
