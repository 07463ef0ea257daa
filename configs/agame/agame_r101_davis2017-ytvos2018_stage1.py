# Stage 1 of the run file "main": every video once per epoch.
_base_ = '../_base_/datasets/ytvos2018_held_out_300.py'

clip_len, size = 8, (240, 432)
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
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ConcatDataset', datasets=[davis, youtube]),
)

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=160, val_interval=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.999), weight_decay=1e-5))
param_scheduler = dict(type='ExponentialLR', gamma=0.975, by_epoch=True)
