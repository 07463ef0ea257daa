# Training-free on procedural clips; training would adapt the backbone to them.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/synthvos_mini.py',
    '../_base_/models/feature-propagation_lite0.py',
]
model = dict(test_cfg=dict(_delete_=True, resize=dict(type='ShortSide', length=192, divisor=16)))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=40, val_interval=40)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5))
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=40), logger=dict(interval=10))
