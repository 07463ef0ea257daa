# DAVIS 2017, unsupervised: the method finds the objects (at most 20), frame by frame consistent; nothing is given.
#   data/DAVIS/{JPEGImages,Annotations_unsupervised}/480p/<sequence>/, data/DAVIS/ImageSets/2017/{train,val}.txt
#   https://davischallenge.org/davis2017/code.html ("Unsupervised - TrainVal - Images and Annotations (480p)")
# Another split of the test: --cfg-options test_dataloader.dataset.ann_file=ImageSets/2019/test-dev.txt
data_root = 'data/DAVIS'
size = (240, 432)  # height, width of training clips
clip_len = 8

# A method's config defines its own train_pipeline and sets
# train_dataloader = dict(dataset=dict(pipeline=train_pipeline)).
train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', min_object_pixels=100),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size),
    dict(type='SelectObjects', min_pixels=25),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
test_pipeline = [dict(type='PackVideo')]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='DAVIS2017Dataset', task='unsup', data_root=data_root, ann_file='ImageSets/2017/train.txt', pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='DAVIS2017Dataset',
        task='unsup',
        data_root=data_root,
        ann_file='ImageSets/2017/val.txt',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='DAVISMetric', protocol='davis2017-unsup')
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission', max_proposals=20)

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
