# Not in the paper: AGSS-VOS's schedule with RGMP's loss, on YouTube-VOS 2018, which RGMP's authors name as a substitute for
# their pre-training on simulated pairs. The paper's two stages: rgmp_r50_stills_*, rgmp_r50_stills-davis2017_*.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/rgmp_r50.py', '../_base_/datasets/ytvos2018.py']
train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=(256, 512), backend='cv2'),
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(split_objects=True, pipeline=train_pipeline))

max_epochs = 5
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=4e-5))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True)
