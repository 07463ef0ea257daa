"""RVOS one-shot, stage 1: ground-truth masks of the frame before. All training videos of YouTube-VOS 2018."""

_base_ = [
    '../_base_/models/rvos_r101.py',
    '../_base_/datasets/ytvos2018.py',
    '../_base_/schedules/rvos_adam.py',
    '../_base_/default_runtime.py',
]

size = (256, 448)
clip_len = 5
model = dict(
    mask_pyramid=dict(type='MaskPyramid', num_levels=4),
    inferred_mask_prob=0.0,
    # published scores: ten slots from the first frame on, binary masks at the network's size, painted by agreement
    test_cfg=dict(resize=dict(type='FixedSize', height=256, width=448), num_slots=10, merge='paint', upsample='labels'),
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size),
    dict(type='FlipClip', prob=0.5),
    dict(type='ClipBroadcaster', transforms=[dict(type='RandomFrameAffine')]),
    dict(type='WholeVideoObjects'),
    dict(type='PackVOSInputs'),
]
# an epoch takes every clip of a video, of which no two share a frame
train_dataloader = dict(dataset=dict(min_labelled=clip_len, split_clips=clip_len, pipeline=train_pipeline))
auto_scale_lr = dict(enable=False, base_batch_size=4)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20)
