# FBMS-59: 30 test sequences; unsupervised, test only. Folders and downloads: docs/en/datasets_unsupervised.md.
_base_ = './vos_common.py'
train_dataloader = None
test_dataloader = dict(dataset=dict(type='FBMSDataset', data_root='data/FBMS'))
val_dataloader = test_dataloader

test_evaluator = dict(type='MeanIoUMetric')
val_evaluator = test_evaluator
