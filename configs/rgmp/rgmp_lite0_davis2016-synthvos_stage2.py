# RGMP on an EfficientNet-Lite0, second stage: longer clips, so that its own errors come back to it.
_base_ = './rgmp_lite0_davis2016-synthvos_stage1.py'

clip_len = 6
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    dataset=dict(
        streams=dict(davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len + 1, pipeline=synthvos_pipeline))
    )
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
# made by training rgmp_lite0_davis2016-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rgmp_lite0_davis2016-synthvos_stage1/iter_450.pth'
