# The paper's second stage: clips of DAVIS 2017, 256 x 512. The network goes on with its own soft masks, and learns through time
# over clips that grow; neighbouring frames of a clip are up to five frames apart, to look like fast motion. Numbers without a
# remark are not in the paper.
_base_ = ['../_base_/models/rgmp_r50.py', '../_base_/datasets/davis2017.py', '../_base_/default_runtime.py']
# made by training rgmp_r50_stills_256x256_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_r50_stills_256x256_stage1/iter_100000.pth'
model = dict(through_time=True, first_predicted=1, iou_threshold=-1.0)  # soft masks, never replaced by true ones

train_pipeline = [
    dict(type='SampleClip', clip_len=dict(type='Staged', values=(3, 4, 5, 6, 7)), gap=(1, 5), reverse_prob=0.5, start='object'),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=1, min_pixels=100, binary=True),
    dict(type='RandomCropToObjects', prob=0.5, partial=0.7),
    dict(type='ResizeClip', size=(256, 512), backend='cv2'),  # the paper
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_size=4, sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True), dataset=dict(pipeline=train_pipeline)
)
custom_hooks = [dict(type='CurriculumHook', by_epoch=False, begins=(10000, 20000, 30000, 40000))]

max_iters = 50000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=10000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999)))  # the paper
auto_scale_lr = dict(enable=False, base_batch_size=4)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000))
log_processor = dict(by_epoch=False)
