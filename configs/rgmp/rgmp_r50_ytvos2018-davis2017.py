# DAVIS 2017: fine-tuned from the YouTube-VOS model; also the config to test the published weights with.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/rgmp_r50.py', '../_base_/datasets/davis2017.py']
# made by training rgmp_r50_ytvos2018.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_r50_ytvos2018/epoch_5.pth'

train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5, reference='random', same_objects=True),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=(256, 512), backend='cv2'),
    dict(type='SelectObjects'),
    dict(type='RandomCropToObjects', prob=0.5, partial=0.7),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))

max_epochs = 100
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=20)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-6, betas=(0.9, 0.999), weight_decay=4e-5))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True)
default_hooks = dict(checkpoint=dict(interval=20))
