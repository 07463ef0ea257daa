# MSK for test-dev (Table 3): trained on train and val.
_base_ = './dyenet-msk_r101_davis2017.py'
videos = dict(_base_.davis2017, pipeline=_base_.train_pipeline)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(videos, ann_file='ImageSets/2017/train.txt'), dict(videos, ann_file='ImageSets/2017/val.txt')],
    )
)
test_dataloader = dict(dataset=dict(ann_file='ImageSets/2017/test-dev.txt'))
test_evaluator = []  # its annotations are not public
