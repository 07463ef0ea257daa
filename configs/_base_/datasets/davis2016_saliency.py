# Two streams in turn: still images (MSRA10K, DUT-OMRON) and pairs of frames of DAVIS 2016 train; DAVIS 2016 val,
# unsupervised. Folders: see davis2016.py and saliency.py.
size = (473, 473)
still_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size),
    dict(type='PackVOSInputs'),
]
video_pipeline = [
    dict(type='SamplePair'),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size, crop=0.9, flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
davis2016 = dict(type='DAVIS2016Dataset', data_root='data/DAVIS2016', task='unsup')

train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='AlternatingSampler'),
    batch_sampler=dict(type='AlternatingBatchSampler', pattern=('still', 'video', 'video'), num_batches=130),
    dataset=dict(
        type='AlternatingDatasets',
        streams=dict(
            video=dict(
                type='FrameDataset', dataset=dict(davis2016, ann_file='ImageSets/2016/train.txt', pipeline=video_pipeline)
            ),
            still=[
                dict(type='MSRA10KDataset', data_root='data/MSRA10K', pipeline=still_pipeline),
                dict(type='DUTOMRONDataset', data_root='data/DUT-OMRON', pipeline=still_pipeline),
            ],
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(davis2016, ann_file='ImageSets/2016/val.txt', test_mode=True, pipeline=[dict(type='PackVideo')]),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='DAVISMetric', protocol='davis2016')
test_evaluator = val_evaluator
submission = dict(type='DAVIS2016Submission')

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
