# First stage: class-agnostic proposals, on features that the second stage starts from. (What the paper's RPN was trained on is
# not told; boxes of COCO as one class before DAVIS are mmdet's business: load_from takes such a network.)
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2017.py', '../_base_/models/dyenet_r101.py']
model = dict(parts=('rpn',))

train_pipeline = [
    dict(type='SampleClip', clip_len=2, start='object'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', appear_in='any'),
    dict(type='ResizeClip', size=(480, 854)),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_interval=100)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=1e-4), clip_grad=dict(max_norm=35)
)
param_scheduler = [dict(type='MultiStepLR', milestones=[40, 55], gamma=0.1, by_epoch=True)]
