# OVIS, in the layout in which it is distributed:
#   data/ovis/{train,valid}/<video>/img_<frame>.jpg and annotations_{train,valid}.json
_base_ = './ytvis2019.py'
data_root = 'data/ovis/'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='OVISDataset',
        data_root=data_root,
        ann_file='annotations_train.json',
        data_prefix=dict(img_path='train'),
        pipeline={{_base_.train_pipeline}},
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='OVISDataset',
        data_root=data_root,
        ann_file='annotations_valid.json',
        data_prefix=dict(img_path='valid'),
        test_mode=True,
    )
)
test_evaluator = dict(outfile_prefix='work_dirs/ovis/results')
