# A-GAME on an EfficientNet-Lite0, third stage: the backbone learns too, from stride 8 on (the paper trains the last stage of
# its ResNet).
_base_ = ['../_base_/datasets/davis2016_synthvos_pasted.py', '../_base_/schedules/lite0.py', '../_base_/models/agame_lite0.py']

clip_len = 6
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    sampler=dict(seed=2),
    batch_sampler=dict(batch_size=2),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len, seed=2, pipeline=synthvos_pipeline)
        )
    ),
)
model = dict(backbone=dict(frozen_stages=2))
max_iters = 600
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.15))))
param_scheduler = _base_.param_scheduler
randomness = dict(seed=2)
# made by training agame_lite0_davis2016-synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_lite0_davis2016-synthvos_stage2/iter_450.pth'
