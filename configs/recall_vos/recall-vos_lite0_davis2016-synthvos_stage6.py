# RecallVOS, sixth stage: objects turn, so that parts come into view which the first frame does not show; real frames are shown
# larger too, up to 608 lines.
_base_ = './recall-vos_lite0_davis2016-synthvos_stage5.py'

turn = dict(turn_prob=0.4)
davis_pipeline = _base_.davis_pipeline
davis_pipeline[3].update(scales=(0.8, 1.9))
davis_pipeline[5]['settings'].update(turn)
train_dataloader = dict(
    sampler=dict(seed=5), dataset=dict(streams=dict(davis=dict(pipeline=davis_pipeline), synthvos=dict(seed=5, settings=turn)))
)
randomness = dict(seed=5)
# made by training recall-vos_lite0_davis2016-synthvos_stage5.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/recall-vos_lite0_davis2016-synthvos_stage5/iter_700.pth'
