# Stage 1 of the authors' run file "davis": DAVIS 2017 alone, 650 iterations per epoch, with progressive zoom.
_base_ = './agame_r101_davis2017-ytvos2018_stage1.py'

zoom = dict(type='ProgressiveZoom', prob=0.5, rate=0.1)
davis_pipeline = [*_base_.davis_pipeline[:-1], zoom, _base_.davis_pipeline[-1]]
train_dataloader = dict(
    sampler=dict(_delete_=True, type='BalancedSampler', num_samples=2600, replacement=True),
    dataset=dict(dict(_base_.davis, pipeline=davis_pipeline), _delete_=True),
)

train_cfg = dict(max_epochs=80)
param_scheduler = dict(gamma=0.95)
