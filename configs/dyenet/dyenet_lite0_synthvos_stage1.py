# DyeNet with small heads on ImageNet features, trained on SynthVOS with photographic cut-outs alone; made for a CPU. Stage 1
# trains everything together; what it gives is Re-MP, for Re-ID needs many more objects than it sees here.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos.py', '../_base_/models/dyenet_lite0.py']

clip_len = 6
size = (192, 336)  # a window of a frame at the test scale: objects are as large in pixels as they will be there

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', min_pixels=200),
    dict(type='PackVOSInputs', meta_keys=('identities',)),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        num_frames=clip_len,
        size=size,
        num_objects=(1, 4),
        settings=dict(object_scale=(0.3, 1.1), speed=0.08, deform=0.1, camera_pan=0.03, distractor_prob=0.3),
        pipeline=train_pipeline,
    ),
)

model = dict(reid_head=dict(centre=False), loss_reid=dict(num_identities=640, queue_size=128, loss_weight=0.2))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=400, val_interval=401)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=5.0)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=500, eta_min=1e-5),
]
# boxes of Re-MP follow the annotated masks at first, then the predicted ones
custom_hooks = [dict(type='CurriculumHook', by_epoch=False, begins=(150,), model={'re_mp_boxes_from': ('gt', 'predicted')})]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100), logger=dict(interval=20))
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
