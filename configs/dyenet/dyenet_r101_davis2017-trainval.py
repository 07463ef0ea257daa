# DAVIS 2017 test-dev (Tables 3, 4; "offline only"): trained on train and val, 205 objects. The server scores the submission:
#   python tools/test.py THIS CHECKPOINT --submission test-dev.zip
_base_ = './dyenet_r101_davis2017.py'
# made by training dyenet-rpn_r101_davis2017-trainval.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet-rpn_r101_davis2017-trainval/epoch_60.pth'

splits = [dict(_base_.davis2017, ann_file=f'ImageSets/2017/{split}.txt') for split in ('train', 'val')]
train_dataloader = dict(dataset=dict(dataset=splits))
test_dataloader = dict(dataset=dict(ann_file='ImageSets/2017/test-dev.txt'))
test_evaluator = []  # its annotations are not public
