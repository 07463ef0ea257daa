"""Ablation RVOS-S, zero-shot: trained on single frames, nothing is carried at test."""

_base_ = '../rvos-st_r101_ytvos2018_256x448_50e.py'

clip_len = 1
model = dict(temporal_recurrence=False)
train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='grid'),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=_base_.size),
    dict(type='FlipClip', prob=0.5),
    dict(type='ClipBroadcaster', transforms=[dict(type='RandomFrameAffine')]),
    dict(type='WholeVideoObjects'),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(dataset=dict(times=27, dataset=dict(min_labelled=clip_len, pipeline=train_pipeline)))
