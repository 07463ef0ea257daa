# What the data sets of video instances share: training on pairs of frames, one video at a time in the test.
train_pipeline = [
    dict(type='mmdet.UniformRefFrameSample', num_ref_imgs=1, frame_range=100, filter_key_img=True),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadFrame'),
            dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
            dict(type='mmdet.Resize', scale=(640, 360), keep_ratio=True),
            dict(type='mmdet.RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmdet.PackTrackInputs'),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmdet.TrackImgSampler'),  # every frame is a key frame once per epoch
    batch_sampler=dict(type='mmdet.TrackAspectRatioBatchSampler'),
    dataset=dict(pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(test_mode=True),
)
# The annotations of the validation sets are on the servers: testing writes a submission. For a split of your own with
# annotations: dict(type='YouTubeVISMetric', ann_file='...'), also as val_evaluator beside val_dataloader and val_cfg.
submission = dict(type='YouTubeVISMetric', format_only=True)
val_dataloader = val_evaluator = val_cfg = None
test_cfg = dict(type='VideoTestLoop')
