# Stage 2 of the run file "davis".
_base_ = '../_base_/datasets/ytvos2018_held_out_300.py'

clip_len, size = 14, (480, 864)
davis_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', min_object_pixels=100),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size, backend='pillow'),
    dict(type='SelectObjects', max_objects=1, min_pixels=25),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
davis = dict(
    type='DAVIS2017Dataset',
    data_root='data/DAVIS',
    ann_file='ImageSets/2017/train.txt',
    min_labelled=clip_len,
    pipeline=davis_pipeline,
)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='BalancedSampler', num_samples=118, replacement=True),
    dataset=davis,
)

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=1e-6))
param_scheduler = dict(type='ExponentialLR', gamma=0.985, by_epoch=True)

# the paper keeps the coarse loss in this stage: model=dict(loss_coarse=dict(type='MaskLogLikelihoodLoss', ...))
model = dict(loss_coarse=None)
load_from = 'work_dirs/agame_r101_davis2017_stage1/epoch_80.pth'
