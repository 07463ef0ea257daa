# MAIN on an EfficientNet-Lite0, all cues at once, on frames of DAVIS 2016 train and SynthVOS clips in turn with their true
# boxes. Made for one core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/main_lite0.py']

size = (256, 416)
pipeline = [
    dict(type='SampleNeighbourhood'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_sampler=dict(batch_size=4),
    dataset=dict(streams=dict(davis=dict(pipeline=pipeline), synthvos=dict(num_frames=3, pipeline=pipeline))),
)

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
