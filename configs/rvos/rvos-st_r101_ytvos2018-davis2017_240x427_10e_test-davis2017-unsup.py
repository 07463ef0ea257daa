"""RVOS zero-shot, fine-tuned on DAVIS 2017 from the YouTube-VOS weights; the unsupervised benchmark's own protocol."""

_base_ = [
    '../_base_/models/rvos_r101.py',
    '../_base_/datasets/davis2017_unsup.py',
    '../_base_/schedules/rvos_adam.py',
    '../_base_/default_runtime.py',
]

size = (240, 427)
clip_len = 5
model = dict(
    valid='frame', test_cfg=dict(resize=dict(type='FixedSize', height=240, width=427), num_slots=20, upsample='labels')
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='grid'),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size),
    dict(type='FlipClip', prob=0.5),
    dict(type='ClipBroadcaster', transforms=[dict(type='RandomFrameAffine')]),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=14,
        # trained on the annotations of the semi-supervised task, as the original was
        dataset=dict(
            type='DAVIS2017Dataset', data_root=_base_.data_root, ann_file='ImageSets/2017/train.txt', pipeline=train_pipeline
        ),
    ),
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_interval=5)
load_from = 'work_dirs/rvos-st_r101_ytvos2018_256x448_50e/epoch_50.pth'
