# A-GAME on an EfficientNet-Lite0, second stage: longer clips.
_base_ = './agame_lite0_davis2016-synthvos_stage1.py'

clip_len = 6
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    dataset=dict(
        streams=dict(davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=clip_len, pipeline=synthvos_pipeline))
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
# made by training agame_lite0_davis2016-synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_lite0_davis2016-synthvos_stage1/iter_450.pth'
