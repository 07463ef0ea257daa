"""The mini model's training stage 1: true boxes, no short-term attention."""

_base_ = 'main_mini_synthvos.py'

size = (96, 160)
model = dict(sta=None)
train_pipeline = [
    dict(type='SampleNeighbourhood'),
    dict(type='LoadClip'),
    dict(type='ResizeCropFlip', size=size, flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
custom_hooks = []
