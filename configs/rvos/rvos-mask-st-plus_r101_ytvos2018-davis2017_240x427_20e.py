"""RVOS one-shot, fine-tuned on DAVIS 2017 from the YouTube-VOS weights."""

_base_ = [
    '../_base_/models/rvos_r101.py',
    '../_base_/datasets/davis2017.py',
    '../_base_/schedules/rvos_adam.py',
    '../_base_/default_runtime.py',
]

size = (240, 427)
clip_len = 5
model = dict(
    mask_pyramid=dict(type='MaskPyramid', num_levels=4),
    inferred_mask_prob=1.0,
    valid='frame',  # only objects that the frame shows
    test_cfg=dict(resize=dict(type='FixedSize', height=240, width=427), num_slots=0, merge='paint', upsample='labels'),
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size),
    dict(type='FlipClip', prob=0.5),
    dict(type='ClipBroadcaster', transforms=[dict(type='RandomFrameAffine')]),
    dict(type='PackVOSInputs'),
]
# an epoch takes every clip of a video, of which no two share a frame
train_dataloader = dict(dataset=dict(split_clips=clip_len, pipeline=train_pipeline))
auto_scale_lr = dict(enable=False, base_batch_size=4)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=5)
# made by training rvos-mask-st-plus_r101_ytvos2018_256x448_20e.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rvos-mask-st-plus_r101_ytvos2018_256x448_20e/epoch_20.pth'
