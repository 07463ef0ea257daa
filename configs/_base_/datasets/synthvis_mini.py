# SynthVIS: procedural videos of eight kinds of shapes. Make them first (a few seconds):
#   python tools/dataset_converters/make_synthvis.py data/synthvis
data_root = 'data/synthvis/'
image_size = (256, 144)  # width, height
train_pipeline = [
    dict(type='mmdet.UniformRefFrameSample', num_ref_imgs=1, frame_range=3, filter_key_img=True),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadFrame'),
            dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
            dict(type='mmdet.Resize', scale=image_size, keep_ratio=True),
            dict(type='mmdet.RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmdet.PackTrackInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='mmdet.TrackImgSampler'),
    dataset=dict(
        type='SynthVISDataset',
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img_path='train/JPEGImages'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='SynthVISDataset',
        data_root=data_root,
        ann_file='valid.json',
        data_prefix=dict(img_path='valid/JPEGImages'),
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='YouTubeVISMetric', ann_file=data_root + 'valid.json')
test_evaluator = val_evaluator
submission = dict(type='YouTubeVISMetric', format_only=True)
val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
