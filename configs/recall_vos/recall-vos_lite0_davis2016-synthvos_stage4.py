# RecallVOS, fourth stage: longer clips, so that the model meets more of its own faults.
_base_ = './recall-vos_lite0_davis2016-synthvos_stage3.py'

clip_len = 8
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    sampler=dict(seed=3),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len, seed=3, pipeline=synthvos_pipeline)
        )
    ),
)

max_iters = 900
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 30)
randomness = dict(seed=3)
# made by training recall-vos_lite0_davis2016-synthvos_stage3.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage3/iter_700.pth'
