# RGMP on an EfficientNet-Lite0, first stage, on DAVIS 2016 train and SynthVOS clips in turn. Made for one core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/rgmp_lite0.py']

# a reference frame, and four frames in order: three of them are predicted
davis_pipeline = [
    dict(type='SampleClip', clip_len=4, gap=(1, 3), reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='ResizeClip', short_side=320),
    dict(type='RandomResizeClip', scales=(0.7, 1.25), continuous=True, backend='cv2'),
    dict(type='RandomCropClip', size=(224, 384)),
    dict(type='SelectObjects', max_objects=2, min_pixels=60),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
synthvos_pipeline = [
    dict(type='SampleClip', clip_len=4, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    dataset=dict(streams=dict(davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=5, pipeline=synthvos_pipeline)))
)

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', T_max=max_iters - 40, eta_min=2e-5, by_epoch=False, begin=40, end=max_iters),
]
