# RecallVOS, third stage: the backbone learns too, from stride 8 on, with other colours and with objects that cross in real
# videos.
_base_ = [
    '../_base_/datasets/davis2016_synthvos_pasted.py',
    '../_base_/schedules/lite0.py',
    '../_base_/models/recall-vos_lite0.py',
]

clip_len = 5
size = (256, 448)
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
davis_pipeline[4].update(size=size)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    sampler=dict(seed=2),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline),
            synthvos=dict(num_frames=clip_len, size=size, seed=2, pipeline=synthvos_pipeline),
        )
    ),
)

model = dict(backbone=dict(frozen_stages=2))
max_iters = 700
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(
    optimizer=dict(lr=6e-4),
    paramwise_cfg=dict(
        _delete_=True,
        custom_keys={  # what began trained, or as principal components
            'backbone': dict(lr_mult=0.15),
            **{name: dict(lr_mult=0.3) for name in ('neck.fine_key', 'neck.key', 'neck.target')},
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', T_max=max_iters - 30, eta_min=2e-5, by_epoch=False, begin=30, end=max_iters),
]
randomness = dict(seed=2)
# made by training recall-vos_lite0_davis2016-synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage2/iter_160.pth'
