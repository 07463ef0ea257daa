# First stage for test-dev, on train and val.
_base_ = './dyenet-rpn_r101_davis2017.py'
videos = dict(_base_.davis2017, pipeline=_base_.train_pipeline)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(videos, ann_file='ImageSets/2017/train.txt'), dict(videos, ann_file='ImageSets/2017/val.txt')],
    )
)
