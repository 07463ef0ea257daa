# On videos in which the past is needed: about a third of the frames are blurred, almost dark, or have their objects covered.
# Each of them follows a clear one; the annotation is that of the clear frame. Make the videos first:
#   python tools/dataset_converters/make_synthvis.py data/synthvis_disturbed --train 80 --valid 40 --frames 8 --disturbed 0.5
_base_ = './masktrack-rcnn_mini_synthvis.py'
data_root = 'data/synthvis_disturbed/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'valid.json')
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=4, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=4, eta_min=1e-4, convert_to_iter_based=True),
]
