# First stage for DAVIS 2016, on its training set alone.
_base_ = './dyenet-rpn_r101_davis2017.py'
davis2016 = dict(type='DAVIS2016Dataset', data_root='data/DAVIS2016')
train_dataloader = dict(dataset=dict(davis2016, ann_file='ImageSets/2016/train.txt'))
test_dataloader = dict(dataset=dict(davis2016, ann_file='ImageSets/2016/val.txt'))
val_dataloader = test_dataloader
val_evaluator = dict(protocol='davis2016', temporal='none')
test_evaluator = dict(protocol='davis2016')
submission = dict(type='DAVIS2016Submission')
