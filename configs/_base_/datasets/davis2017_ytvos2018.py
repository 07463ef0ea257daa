# Training on DAVIS 2017 and YouTube-VOS 2018 together; validation and test on DAVIS 2017 val. Roots: see davis2017.py
# and ytvos2018.py.
_base_ = './davis2017.py'
train_pipeline = _base_.train_pipeline
train_dataloader = dict(
    # an epoch takes every video once; dict(type='BalancedSampler', num_samples=(0, 2)) draws both sets alike instead,
    # twice the number of DAVIS videos an epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='DAVIS2017Dataset',
                data_root=_base_.data_root,
                ann_file='ImageSets/2017/train.txt',
                min_labelled=_base_.clip_len,
                pipeline=train_pipeline,
            ),
            dict(
                type='YouTubeVOSDataset',
                data_root='data/YouTubeVOS2018',
                split='train',
                min_labelled=_base_.clip_len,
                pipeline=train_pipeline,
            ),
        ],
    ),
)
