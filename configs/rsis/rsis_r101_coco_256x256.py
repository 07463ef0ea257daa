"""RSIS on COCO instances, through mmdet's data set."""

_base_ = 'rsis_r101_voc2012_256x256.py'

size = (256, 256)
data_root = 'data/coco/'
model = dict(head=dict(num_classes=81))
train_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='RandomFrameAffine'),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=8),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='mmdet.CocoMetric', ann_file=data_root + 'annotations/instances_val2017.json', metric='segm'
)
test_evaluator = val_evaluator
