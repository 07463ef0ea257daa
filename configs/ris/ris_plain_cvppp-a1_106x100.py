"""RIS on the leaves of CVPPP A1: a small network at 106x100 (height x width), no pooling before the score."""

_base_ = 'ris_fcn8s_coco-person_500x500.py'

d = 30
size = (106, 100)
model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(_delete_=True, type='PlainConvNet', channels=d, num_layers=4),
    decoder=dict(channels=d, stride=1, mask_head=dict(in_channels=d)),
    head=dict(in_channels=d, grid=None, map_size=size),
    max_steps=20,
    test_cfg=dict(mask_thr=0.9),
)
train_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='RandomFrameAffine', rotation=180.0, translation=0.0, shear=0.0, zoom=(1.0, 1.0)),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'height', 'width', 'instances'),
    ),
]
dataset = dict(
    _delete_=True,
    type='InstanceMapDataset',
    data_root='data/CVPPP/A1',
    data_prefix=dict(img='{}_rgb.png', instance='{}_label.png'),
    metainfo=dict(classes=('leaf',)),
)
train_dataloader = dict(dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(ann_file='val.txt', test_mode=True, pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='InstanceSequenceMetric', painted='first')
test_evaluator = val_evaluator
custom_hooks = [
    dict(
        type='PlateauCurriculumHook',
        num_stages=10,
        patience=20,
        monitor='train/loss',
        model={'max_steps': (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)},
    )
]
optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_epochs=1000, val_interval=20)
