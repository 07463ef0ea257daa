# Stage 5: as stage 4, with other clips, in which objects turn, and a lower learning rate.
_base_ = './dyenet_lite0_davis2016-synthvos_stage4.py'
# made by training dyenet_lite0_davis2016-synthvos_stage4.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet_lite0_davis2016-synthvos_stage4/iter_900.pth'

turn = dict(turn_prob=0.4)
davis_pipeline = _base_.davis_pipeline
davis_pipeline[5]['settings'].update(turn)
train_dataloader = dict(
    sampler=dict(seed=4), dataset=dict(streams=dict(davis=dict(pipeline=davis_pipeline), synthvos=dict(seed=4, settings=turn)))
)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
randomness = dict(seed=4)
