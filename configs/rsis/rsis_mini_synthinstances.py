"""RSIS on synthetic still images, small enough to learn on a CPU in about a minute: masks first, then classes and the
stop, with a curriculum over the number of objects."""

_base_ = ['../_base_/models/rsis_r101.py', '../_base_/default_runtime.py']

size = (96, 96)
classes = ('ball', 'box', 'triangle', 'star')
D = 32
model = dict(
    # the package's weights expect pixels in [-1, 1]; frozen, so that a CPU can train the rest in a minute
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(1, 2, 3, 5, 7),
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    neck=dict(in_channels=(16, 24, 40, 112, 320), out_channels=(8, D // 2, D // 2, D, D)),
    decoder=dict(skip_channels=(D, D, D // 2, D // 2, 8), hidden_channels=(D, D, D // 2, D // 2, 8)),
    head=dict(in_channels=2 * D + D + 8, num_classes=len(classes) + 1),
    criterion=dict(stop_weight=0.5, class_weight=0.1),
    max_steps=4,
)

train_pipeline = [
    dict(type='LoadInstanceMap', min_pixels=30),
    dict(type='RandomFrameAffine', zoom=(0.8, 1.2), min_pixels=30),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadInstanceMap', min_pixels=30),
    dict(
        type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'height', 'width', 'instances')
    ),
]
dataset = dict(
    type='SynthInstanceDataset',
    size=size,
    num_objects=(1, 3),
    objects=dict(type='ProceduralObjects', classes=classes),
    settings=dict(object_scale=(0.3, 0.6), jpeg_quality=None),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='EndlessSampler'),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(seed=0, pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(seed=1000, length=48, test_mode=True, pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='InstanceSequenceMetric'), dict(type='mmdet.CocoMetric', metric='segm', classwise=False)]
test_evaluator = val_evaluator

custom_hooks = [
    dict(type='CurriculumHook', name='length', by_epoch=False, begins=(50, 100), model={'max_steps': (2, 3, 4)}),
    dict(
        type='CurriculumHook',
        name='terms of the loss',
        by_epoch=False,
        begins=(50,),
        model={'criterion.class_weight': (0.0, 0.1), 'criterion.stop_weight': (0.0, 0.5)},
    ),
]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3, weight_decay=1e-6))
param_scheduler = dict(type='CosineAnnealingLR', T_max=250, by_epoch=False, eta_min=1e-4)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=250, val_interval=250)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(logger=dict(interval=25), checkpoint=dict(by_epoch=False, interval=250, max_keep_ckpts=1))
log_processor = dict(by_epoch=False)
