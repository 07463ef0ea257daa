# Trains on cached flow, made once with
#   python tools/misc/precompute_flow.py configs/flow/dis_medium.py data/DAVIS/JPEGImages/480p data/DAVIS/flow \
#       --direction bwd fwd
# A clip takes neighbouring frames, and may be reversed: both directions are needed.
_base_ = './agss-vos_r50_davis2017_832x448.py'
train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='LoadFlow', root='data/DAVIS/flow', start=2),  # the reference frame, and the first one, have none
    dict(type='ResizeClipByRule', rule=dict(type='ShrinkToMultiple', divisor=64, half=False)),
    dict(type='SelectObjects'),
    dict(type='RandomCropToObjects', prob=0.5, partial=0.7),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
