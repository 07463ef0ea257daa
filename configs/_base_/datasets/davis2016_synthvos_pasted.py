# As davis2016_synthvos.py, with colours that change and with cut-outs that move through the real videos, some of them copies of
# their own objects: 24 videos with one object each are soon known by heart. Two clips of three are real.
_base_ = './davis2016_synthvos.py'

davis_pipeline = [
    dict(type='SampleClip', clip_len=_base_.clip_len, reverse_prob=0.5, gap=(1, 5)),
    dict(type='LoadClip'),
    dict(type='ResizeClip', short_side=320),
    dict(type='RandomResizeClip', scales=(0.8, 1.4), continuous=True, backend='cv2'),
    dict(type='RandomCropClip', size=_base_.size),
    dict(
        type='PasteObjects',
        prob=0.5,
        objects=dict(type='FolderObjects', root=f'{_base_.synthvos_root}/objects', split='train'),
        settings=dict(object_scale=(0.3, 0.9), speed=0.08, deform=0.15, camera_pan=0.03, distractor_prob=0.3, cross_prob=0.6),
    ),
    dict(
        type='ClipBroadcaster',
        transforms=[
            dict(
                type='mmdet.PhotoMetricDistortion',
                brightness_delta=24,
                contrast_range=(0.7, 1.3),
                saturation_range=(0.7, 1.3),
                hue_delta=9,
            )
        ],
    ),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_sampler=dict(pattern=('davis', 'davis', 'synthvos')), dataset=dict(streams=dict(davis=dict(pipeline=davis_pipeline)))
)
