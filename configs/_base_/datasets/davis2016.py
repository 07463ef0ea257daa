# DAVIS 2016: one object; semi-supervised (the first mask is given). Unsupervised methods add task='unsup' to the data
# sets.
#   data/DAVIS2016/{JPEGImages,Annotations}/480p/<sequence>/, and one of the lists
#   data/DAVIS2016/ImageSets/2016/{train,val}.txt (a sequence per line)
#   data/DAVIS2016/ImageSets/480p/{train,val}.txt (a frame per line)
#   https://davischallenge.org/davis2016/code.html
# A DAVIS 2017 download serves as well: its ids are merged, which is close to the masks of 2016 but not equal.
data_root = 'data/DAVIS2016'
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
    dataset=dict(type='DAVIS2016Dataset', data_root=data_root, ann_file='ImageSets/2016/train.txt', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='DAVIS2016Dataset', data_root=data_root, ann_file='ImageSets/2016/val.txt', test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = val_dataloader

# T takes a minute per hundred frames: only in the test
val_evaluator = dict(type='DAVISMetric', protocol='davis2016', temporal='none')
test_evaluator = dict(type='DAVISMetric', protocol='davis2016')
submission = dict(type='DAVIS2016Submission')

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
