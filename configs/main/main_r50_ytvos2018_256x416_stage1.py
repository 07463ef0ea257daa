"""MAIN, first stage: RGB + unit flow + long-term attention from the true boxes, all annotated frames."""

_base_ = ['../_base_/models/main_r50.py', '../_base_/datasets/ytvos2018.py', '../_base_/default_runtime.py']

size = (256, 416)
model = dict(sta=None)

# Flow is estimated between the annotated frames (every fifth of the video): that is what the download of YouTube-VOS with the
# annotated frames alone has.
train_pipeline = [
    dict(type='SampleNeighbourhood'),
    dict(type='LoadClip'),
    dict(type='ResizeCropFlip', size=size, flip_prob=0.5),
    dict(type='EstimateFlow', estimator=_base_.cue_flow),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_size=23, num_workers=8, sampler=dict(type='InfiniteSampler', shuffle=True), dataset=dict(pipeline=train_pipeline)
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.999), weight_decay=0))
# "until convergence", times 0.1 every 45,000 iterations; the number of iterations is not given
param_scheduler = dict(type='MultiStepLR', milestones=[45000, 90000], gamma=0.1, by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=23)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000))
log_processor = dict(by_epoch=False)
