# Second stage: Re-ID and Re-MP together. The last three blocks of the features are trained here; the RPN, which reads them, is
# trained along with a loss of its own, without a gradient into the features. (Frozen, it would read features that it does not
# know.) 8 videos x 4 frames on 8 processes of one video each; on n processes give
#   --cfg-options optim_wrapper.accumulative_counts=8/n train_cfg.max_iters=24000*8/n param_scheduler.0.milestones=...
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2017.py', '../_base_/models/dyenet_r101.py']
# made by training dyenet-rpn_r101_davis2017.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet-rpn_r101_davis2017/epoch_60.pth'
find_unused_parameters = True  # a clip without a labelled RoI trains only a part
model = dict(parts=('rpn', 'dyenet'))

clip_len = 4
train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects'),
    dict(type='ResizeClip', size=(480, 854)),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs', meta_keys=('identities',)),
]
train_dataloader = dict(
    batch_size=1,
    dataset=dict(
        _delete_=True,
        type='IdentityDataset',
        num_identities=205,
        dataset=dict(_base_.davis2017, ann_file='ImageSets/2017/train.txt'),
        pipeline=train_pipeline,
    ),
)

auto_scale_lr = dict(enable=False, base_batch_size=8)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=24000, val_interval=24001)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4), accumulative_counts=1
)
param_scheduler = [dict(type='MultiStepLR', milestones=[8000, 16000], gamma=0.1, by_epoch=False)]
log_processor = dict(by_epoch=False)
# the first stage trained features and the RPN; what an ablation or a data set has otherwise begins here
begins_here = [r'loss_reid\..*', r're_mp_head\.attention\..*', r'flow\..*']
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2000), load_check=dict(ignore=begins_here))
# boxes of Re-MP follow the annotated masks for 8,000 iterations, then the predicted ones
custom_hooks = [dict(type='CurriculumHook', by_epoch=False, begins=(8000,), model={'re_mp_boxes_from': ('gt', 'predicted')})]
