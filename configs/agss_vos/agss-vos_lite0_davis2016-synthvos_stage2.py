# AGSS-VOS on an EfficientNet-Lite0, second stage: five predicted frames, so that the model meets more of its own faults,
# and all 30 sequences of DAVIS 2016 train: nothing is chosen any more.
_base_ = './agss-vos_lite0_davis2016-synthvos_stage1.py'

clip_len = 6
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    sampler=dict(seed=1),
    dataset=dict(
        streams=dict(
            davis=dict(exclude=(), pipeline=davis_pipeline),
            synthvos=dict(num_frames=clip_len + 1, seed=1, pipeline=synthvos_pipeline),
        )
    ),
)

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
randomness = dict(seed=1)
# made by training agss-vos_lite0_davis2016-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agss-vos_lite0_davis2016-synthvos_stage1/iter_600.pth'
