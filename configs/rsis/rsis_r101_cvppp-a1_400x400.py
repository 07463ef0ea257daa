"""RSIS on the leaves of CVPPP A1: 96 images for training (train.txt), 32 for validation (val.txt)."""

_base_ = 'rsis_r101_voc2012_256x256.py'

size = (400, 400)
meta_keys = _base_.meta_keys
model = dict(
    head=dict(num_classes=2),
    criterion=dict(class_weight=0.0, stop_weight=0.1),
    max_steps=20,
    test_cfg=dict(stop_thr=0.2, per_class=False),
)
train_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='RandomFrameAffine', zoom=(0.7, 1.0)),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadInstanceMap'),
    dict(type='mmdet.Resize', scale=size[::-1], keep_ratio=False),
    dict(type='mmdet.PackDetInputs', meta_keys=meta_keys),
]
dataset = dict(
    _delete_=True,
    type='InstanceMapDataset',
    data_root='data/CVPPP/A1',
    data_prefix=dict(img='{}_rgb.png', instance='{}_label.png'),
    metainfo=dict(classes=('leaf',)),
)
train_dataloader = dict(batch_size=20, dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(ann_file='val.txt', test_mode=True, pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='InstanceSequenceMetric', painted='last')
test_evaluator = val_evaluator
# no class loss; the stop from epoch 500 on; one step more whenever 30 epochs brought nothing
custom_hooks = [
    dict(
        type='PlateauCurriculumHook',
        num_stages=19,
        patience=30,
        monitor='train/loss_mask',
        model={'max_steps': tuple(range(2, 21))},
    ),
    dict(type='CurriculumHook', begins=(500,), model={'criterion.stop_weight': (0.0, 0.1)}),
]
train_cfg = dict(max_epochs=1000)
auto_scale_lr = dict(base_batch_size=20)
