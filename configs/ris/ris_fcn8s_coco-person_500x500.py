"""RIS on people: FCN-8s features, two ConvLSTM layers at stride 8, spatial inhibition."""

_base_ = ['../_base_/default_runtime.py']

d = 100
size = (500, 500)
data_root = 'data/coco/'
model = dict(
    type='RSIS',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor', mean=[103.939, 116.779, 123.68], std=[1.0, 1.0, 1.0], bgr_to_rgb=False, pad_mask=True
    ),
    # the paper's trunk is an FCN-8s that was trained for semantic segmentation; here its convolutions begin with those of
    # VGG-16 (ImageNet, BGR), fc6 and fc7 at random. A converted FCN-8s:
    #   --cfg-options model.backbone.init_cfg.checkpoint=PATH
    backbone=dict(type='FCN8s', channels=d, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://vgg16_caffe')),
    decoder=dict(
        type='StackedDecoder',
        channels=d,
        num_cells=2,
        stride=8,
        mask_head=dict(type='SpatialInhibition', in_channels=d, bias=1.0),
    ),
    head=dict(type='PooledScoreHead', in_channels=d, grid=(2, 2), bias=10.0),
    criterion=dict(type='RISLoss', score_weight=1.0, extra_steps=2),
    max_steps=10,
    extra_steps=2,
    test_cfg=dict(stop='break', stop_thr=0.5),
)

resize = [
    dict(type='mmdet.Resize', scale=size, keep_ratio=True),
    dict(type='mmdet.Pad', size=size),  # black before the mean is taken off
]
train_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    *resize,
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='RandomFrameAffine', rotation=22.5, translation=0.0, shear=0.0, zoom=(1.0, 1.0)),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=size, keep_ratio=True),
    dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
metainfo = dict(classes=('person',))
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        metainfo=metainfo,
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmdet.CocoMetric', ann_file=data_root + 'annotations/instances_val2017.json', metric='segm')
test_evaluator = val_evaluator

# sequences grow by stages; the trunk stays as it was pretrained at first
custom_hooks = [
    dict(type='CurriculumHook', begins=(2, 4, 6), model={'max_steps': (2, 4, 7, 10)}),
    dict(type='FreezeHook', module='backbone.features', until=6),
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-5),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=1.0)}),
    clip_grad=dict(type='value', clip_value=5.0),
)
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
