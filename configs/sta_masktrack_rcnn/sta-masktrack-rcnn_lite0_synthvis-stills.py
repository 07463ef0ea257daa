# STA-MaskTrack R-CNN, trained on SynthVIS of people and animals from the weights of the cut-outs' categories; made for a CPU.
_base_ = [
    '../_base_/models/sta-masktrack-rcnn_lite0.py',
    '../_base_/datasets/synthvis_stills.py',
    '../_base_/default_runtime.py',
]
num_classes = 9
model = dict(detector=dict(roi_head=dict(bbox_head=dict(num_classes=num_classes), mask_head=dict(num_classes=num_classes))))
max_iters = 600
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=7e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(gamma=dict(lr_mult=10.0, decay_mult=0.0))),
    clip_grad=dict(max_norm=10, norm_type=2),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=max_iters, eta_min=1e-5),
]
default_hooks = dict(
    load_check=dict(ignore=[r'detector\.roi_head\.bbox_head\.fc_cls\..*']),
    logger=dict(interval=20),
    checkpoint=dict(by_epoch=False, interval=100, max_keep_ckpts=2),
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
# all but the classifier of the categories begins with the weights of six other categories
load_from = 'sta-masktrack-rcnn_lite0'
