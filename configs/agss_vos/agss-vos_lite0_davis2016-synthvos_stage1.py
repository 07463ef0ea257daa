# AGSS-VOS on an EfficientNet-Lite0, first stage, on DAVIS 2016 train and SynthVOS clips in turn. Made for one core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/agss-vos_lite0.py']

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
# the overlap loss is flat where nothing is found: at 1e-3 the model falls into it and stays
optim_wrapper = dict(optimizer=dict(lr=2e-4))
