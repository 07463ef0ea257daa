# Two streams in turn: still images (MSRA10K, DUT-OMRON) and pairs of frames of DAVIS 2016 train; DAVIS 2016 val,
# unsupervised. Folders: see davis2016.py and saliency.py.
_base_ = ['./davis2016.py', './saliency.py']

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
davis2016 = dict(_base_.davis2016, task='unsup')

train_dataloader = dict(
    _delete_=True,
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
            still=[dict(_base_.msra10k, pipeline=still_pipeline), dict(_base_.dut_omron, pipeline=still_pipeline)],
        ),
    ),
)
test_dataloader = dict(dataset=dict(task='unsup'))
val_dataloader = test_dataloader
