# YouTube-VOS 2018, semi-supervised; objects begin in any frame.
#   data/YouTubeVOS2018/{train,valid,test}/{JPEGImages,Annotations}/<video>/ and meta.json
#   data/YouTubeVOS2018/{valid,test}_all_frames/JPEGImages/<video>/ for all_frames=True
#   https://youtube-vos.org/dataset/vos/
# The annotations of the valid and test sets are on the server: a test writes a submission (tools/test.py --submission)
# and has no metric. To validate on training videos that `exclude` leaves out of training, a config sets
#   val_dataloader = dict(..., dataset=dict(type='YouTubeVOSDataset', split='train', sequences='LIST.txt',
#   test_mode=True, pipeline=[dict(type='PackVideo')])), val_evaluator = dict(type='YouTubeVOSMetric') and
#   val_cfg = dict(type='VideoValLoop')
data_root = 'data/YouTubeVOS2018'
size = (240, 432)  # height, width of training clips
clip_len = 8

# A method's config defines its own train_pipeline and sets
# train_dataloader = dict(dataset=dict(pipeline=train_pipeline)).
train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', min_object_pixels=100),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size),
    dict(type='SelectObjects', min_pixels=10),
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
    dataset=dict(type='YouTubeVOSDataset', data_root=data_root, split='train', pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(type='YouTubeVOSDataset', data_root=data_root, split='valid', test_mode=True, pipeline=test_pipeline),
)
test_evaluator = []
submission = dict(type='YouTubeVOSSubmission')
val_dataloader = val_evaluator = val_cfg = None
test_cfg = dict(type='VideoTestLoop')
