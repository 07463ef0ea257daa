# Stage 2 of the run file "main": longer clips at full size; the final loss alone.
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
youtube_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', min_object_pixels=100),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size, backend='pillow'),
    dict(type='SelectObjects', max_objects=1, min_pixels=10),
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
youtube = dict(
    type='YouTubeVOSDataset',
    data_root='data/YouTubeVOS2018',
    split='train',
    min_labelled=clip_len,
    frame_size=(720, 1280),
    exclude=_base_.held_out,
    pipeline=youtube_pipeline,
)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='BalancedSampler', num_samples=(0, 2)),  # clips: twice the number of DAVIS videos
    dataset=dict(type='ConcatDataset', datasets=[davis, youtube]),
)

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=1e-6))
param_scheduler = dict(type='ExponentialLR', gamma=0.985, by_epoch=True)

# the paper keeps the coarse loss in this stage: model=dict(loss_coarse=dict(type='MaskLogLikelihoodLoss', ...))
model = dict(loss_coarse=None)
load_from = 'work_dirs/agame_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
