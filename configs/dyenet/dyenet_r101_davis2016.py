# DAVIS 2016 (Table 5): trained on its training set, 30 objects.
_base_ = './dyenet_r101_davis2017.py'
# made by training dyenet-rpn_r101_davis2016.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet-rpn_r101_davis2016/epoch_60.pth'

davis2016 = dict(type='DAVIS2016Dataset', data_root='data/DAVIS2016')
model = dict(loss_reid=dict(num_identities=30))
train_dataloader = dict(
    dataset=dict(num_identities=30, dataset=dict(_delete_=True, **davis2016, ann_file='ImageSets/2016/train.txt'))
)
test_dataloader = dict(dataset=dict(davis2016, ann_file='ImageSets/2016/val.txt'))
val_dataloader = test_dataloader
val_evaluator = dict(protocol='davis2016', temporal='none')
test_evaluator = dict(protocol='davis2016')
submission = dict(type='DAVIS2016Submission')
