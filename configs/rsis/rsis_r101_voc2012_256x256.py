"""RSIS on PASCAL VOC 2012 instances: terms of the loss are added one after the other."""

_base_ = ['../_base_/models/rsis_r101.py', '../_base_/schedules/rvos_adam.py', '../_base_/default_runtime.py']

size = (256, 256)
classes = (
    'aeroplane',
    'bicycle',
    'bird',
    'boat',
    'bottle',
    'bus',
    'car',
    'cat',
    'chair',
    'cow',
    'diningtable',
    'dog',
    'horse',
    'motorbike',
    'person',
    'pottedplant',
    'sheep',
    'sofa',
    'train',
    'tvmonitor',
)
model = dict(
    head=dict(num_classes=len(classes) + 1),
    criterion=dict(class_weight=0.1, stop_weight=0.5),  # gamma 0.5
    max_steps=10,
    max_objects=20,
    test_cfg=dict(stop='filter', per_class=True),
)

meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'height', 'width', 'instances')
# the released script trains without augmentation; dict(type='RandomFrameAffine') after the flip switches it on
train_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.PackDetInputs', meta_keys=meta_keys),
]
# data/VOC2012/{JPEGImages,SegmentationObject,SegmentationClass,ImageSets/Segmentation}. The instances of SBD come as
# MATLAB files; write them as PNG files into the same two folders to train on them too.
dataset = dict(
    type='InstanceMapDataset',
    data_root='data/VOC2012',
    data_prefix=dict(img='JPEGImages/{}.jpg', instance='SegmentationObject/{}.png', cls='SegmentationClass/{}.png'),
    metainfo=dict(classes=classes),
)
train_dataloader = dict(
    batch_size=28,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='ImageSets/Segmentation/train.txt', pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='ImageSets/Segmentation/val.txt', test_mode=True, pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='InstanceCocoMetric', metric='segm', ap_ious=(0.6, 0.7, 0.8), classwise=True)
test_evaluator = val_evaluator

# masks, then classes from epoch 20 on, then the stop when 15 epochs brought nothing
custom_hooks = [
    dict(type='CurriculumHook', begins=(20,), model={'criterion.class_weight': (0.0, 0.1)}),
    dict(
        type='PlateauCurriculumHook',
        num_stages=2,
        patience=15,
        monitor='train/loss_mask',
        model={'criterion.stop_weight': (0.0, 0.5)},
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=28)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=150, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
