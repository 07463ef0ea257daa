# COSNet on an EfficientNet-Lite0, first stage: photographs with masks and pairs of frames of DAVIS 2016 train in turn. Made for
# one core of a CPU. Folders: see ../_base_/datasets/davis2016_synthvos.py, and
#   data/stills/{animals,cats,people}/{images,masks}/   photographs with masks, 0 background
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/cosnet_lite0.py']

size = (256, 448)
still_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='SelectObjects', merge=True),
    dict(type='CropFlipResize', size=size, crop=0.9, flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
video_pipeline = [
    dict(type='SamplePair'),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size, crop=0.9, flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
still = dict(type='StillImageDataset', pipeline=still_pipeline)
train_dataloader = dict(
    batch_sampler=dict(batch_size=4, pattern=('still', 'video')),
    dataset=dict(
        streams=dict(
            _delete_=True,
            video=dict(
                type='FrameDataset',
                dataset=dict(
                    type='DAVIS2016Dataset',
                    data_root='data/DAVIS2016',
                    ann_file='ImageSets/2016/train.txt',
                    exclude=_base_.held_out,
                    task='unsup',
                    pipeline=video_pipeline,
                ),
            ),
            still=[dict(still, data_root=f'data/stills/{name}') for name in ('animals', 'cats', 'people')],
        )
    ),
)
test_dataloader = dict(dataset=dict(task='unsup'))

custom_hooks = [
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.01, gamma=100),
    dict(
        type='AlternatingLRHook',
        lr_mult=dict(
            still={'': 0.0, 'backbone': 0.3, 'neck': 1.0, 'static_head': 1.0}, video={'': 1.0, 'backbone': 0.3, 'neck': 1.0}
        ),
    ),
]

max_iters = 400
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
find_unused_parameters = True  # a step of one stream leaves parameters of the other untouched
