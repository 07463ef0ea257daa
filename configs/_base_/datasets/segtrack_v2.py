# SegTrack v2: 14 sequences; unsupervised, test only. Folders and downloads: docs/en/datasets_unsupervised.md.
_base_ = './vos_common.py'
train_dataloader = None
test_dataloader = dict(dataset=dict(type='SegTrackV2Dataset', data_root='data/SegTrackv2'))
val_dataloader = test_dataloader

test_evaluator = dict(type='MeanIoUMetric')
val_evaluator = test_evaluator
