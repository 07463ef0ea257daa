# DAVIS 2017 alone: 200 epochs at 832x448, with a random crop towards the objects.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/agss-vos_r50.py', '../_base_/datasets/davis2017.py']
rule = dict(type='ShrinkToMultiple', divisor=64, half=False)  # 854x480 -> 832x448
model = dict(test_cfg=dict(resize=rule))

train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5, reference='random', same_objects=True),
    dict(type='LoadClip'),
    dict(type='ResizeClipByRule', rule=rule),
    dict(type='SelectObjects'),
    dict(type='RandomCropToObjects', prob=0.5, partial=0.7),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))

# weights of RGMP lack the attention generator; their auxiliary predictions are not needed
new = [r'attention\..*', r'decoder\.predict[345]\..*']
max_epochs = 200
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=20)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=4e-5),
    paramwise_cfg=dict(
        custom_keys={'attention': dict(lr_mult=10), 'decoder.refine2': dict(lr_mult=10), 'decoder.predict2': dict(lr_mult=10)}
    ),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True)
default_hooks = dict(checkpoint=dict(interval=20), load_check=dict(ignore=new))
randomness = dict(seed=20170624)
