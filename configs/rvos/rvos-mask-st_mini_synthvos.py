"""RVOS one-shot (RVOS-Mask-ST, then ST+), small enough to learn on a CPU in about a minute."""

_base_ = ['../_base_/models/rvos_r101.py', '../_base_/datasets/synthvos_mini.py', '../_base_/default_runtime.py']

D = 32
model = dict(
    # the package's weights expect pixels in [-1, 1]; frozen, so that a CPU can train the rest in a minute
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(127.5,) * 3, std=(127.5,) * 3),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(2, 3, 5, 7),
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    neck=dict(in_channels=(24, 40, 112, 320), out_channels=(D // 2, D // 2, D, D)),
    decoder=dict(skip_channels=(D, D, D // 2, D // 2), hidden_channels=(D, D, D // 2, D // 2)),
    mask_pyramid=dict(type='MaskPyramid', num_levels=4),
)

# ground-truth masks first, then more and more the inferred ones
custom_hooks = [
    dict(type='CurriculumHook', by_epoch=False, model={'inferred_mask_prob': dict(begin=75, end=200, values=(0.0, 1.0))})
]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3, weight_decay=1e-6))
param_scheduler = dict(type='CosineAnnealingLR', T_max=250, by_epoch=False, eta_min=1e-4)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=250, val_interval=250)
default_hooks = dict(logger=dict(interval=25), checkpoint=dict(by_epoch=False, interval=250, max_keep_ckpts=1))
log_processor = dict(by_epoch=False)
