"""RSIS on Cityscapes instances, through mmdet's data set; with the curriculum over the number of objects."""

_base_ = 'rsis_r101_coco_256x256.py'

size = (256, 512)
data_root = 'data/cityscapes/'
model = dict(
    head=dict(num_classes=9),
    criterion=dict(stop_weight=1.0),  # gamma 1.0 in the paper; the released script leaves 0.5
    max_steps=20,
    test_cfg=dict(largest_component=True),
)
train_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='RandomFrameAffine', zoom=(0.7, 1.0)),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        type='mmdet.CityscapesDataset',
        data_root=data_root,
        ann_file='annotations/instancesonly_filtered_gtFine_train.json',
        data_prefix=dict(img='leftImg8bit/train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='mmdet.CityscapesDataset',
        data_root=data_root,
        ann_file='annotations/instancesonly_filtered_gtFine_val.json',
        data_prefix=dict(img='leftImg8bit/val/'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/instancesonly_filtered_gtFine_val.json')
test_evaluator = val_evaluator

# two steps at first, one more whenever 25 epochs brought nothing; classes from epoch 60, the stop from epoch 100, the
# backbone from epoch 20 on
custom_hooks = [
    dict(
        type='PlateauCurriculumHook',
        num_stages=19,
        patience=25,
        monitor='train/loss_mask',
        model={'max_steps': tuple(range(2, 21))},
    ),
    dict(type='CurriculumHook', name='classes', begins=(60,), model={'criterion.class_weight': (0.0, 0.1)}),
    dict(type='CurriculumHook', name='stop', begins=(100,), model={'criterion.stop_weight': (0.0, 1.0)}),
    dict(type='FreezeHook', module='backbone', until=20),
]
train_cfg = dict(max_epochs=500)
auto_scale_lr = dict(base_batch_size=32)
