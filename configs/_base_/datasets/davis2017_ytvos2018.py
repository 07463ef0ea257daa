# Training on DAVIS 2017 and YouTube-VOS 2018 together; validation and test on DAVIS 2017 val. Folders: see davis2017.py
# and ytvos2018.py. A method sets the pipelines of the two data sets.
_base_ = './davis2017.py'
train_dataloader = dict(
    # an epoch takes every video once; dict(type='BalancedSampler', num_samples=(0, 2)) draws both sets alike instead,
    # twice the number of DAVIS videos an epoch
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(_base_.davis2017, ann_file='ImageSets/2017/train.txt'),
            dict(type='YouTubeVOSDataset', data_root='data/YouTubeVOS2018', split='train'),
        ],
    )
)
