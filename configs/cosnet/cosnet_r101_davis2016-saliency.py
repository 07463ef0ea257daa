# COSNet, training recipe: still images and pairs of frames in turn, 60 epochs of 130 steps, 473 x 473.
_base_ = ['../_base_/models/cosnet_r101.py', '../_base_/datasets/davis2016_saliency.py', '../_base_/default_runtime.py']

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(norm_decay_mult=1.0),
)  # one group per parameter, for AlternatingLRHook
param_scheduler = [
    dict(type='PolyLR', power=0.9, begin=0, end=7801, by_epoch=False),  # (1 - step / 7800)^0.9
    dict(type='MultiStepLR', milestones=[6], gamma=0.5, by_epoch=True),
]
# still images train the embedding; pairs train the co-attention and the heads, and the embedding slowly
custom_hooks = [
    dict(
        type='AlternatingLRHook',
        lr_mult=dict(
            still={'': 0.0, 'backbone': 1.0, 'neck': 1.0, 'static_head': 1.0},
            video={'': 10.0, 'backbone': 0.01, 'neck': 0.01, 'static_head': 0.01},
        ),
    )
]
# a step of one stream leaves parameters of the other untouched
find_unused_parameters = True
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_interval=10)
randomness = dict(seed=1234)
