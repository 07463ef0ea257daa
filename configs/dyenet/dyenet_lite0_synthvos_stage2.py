# Stage 2: proposals and Re-ID alone, on pairs of frames with many objects. The tables of identities have other sizes than in
# stage 1: they are not loaded but begin empty, for they hold embeddings that were not centred.
_base_ = './dyenet_lite0_synthvos_stage1.py'
# made by training dyenet_lite0_synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet_lite0_synthvos_stage1/iter_400.pth'

clip_len = 2
train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', min_pixels=200),
    dict(type='PackVOSInputs', meta_keys=('identities',)),
]
train_dataloader = dict(batch_size=2, dataset=dict(num_frames=clip_len, num_objects=(2, 5), seed=1, pipeline=train_pipeline))

model = dict(
    parts=('rpn', 'reid'),
    reid_head=dict(centre=True),
    loss_reid=dict(num_identities=400, queue_size=256, loss_weight=1.0),
    train_cfg=dict(reid_rois=8, reid_positives=6),
)

train_cfg = dict(max_iters=600, val_interval=601)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=20, end=600, eta_min=2e-5),
]
custom_hooks = []
default_hooks = dict(checkpoint=dict(interval=200), load_check=dict(ignore=[r'loss_reid\..*', r'reid_head\.centre\..*']))
