# RecallVOS on procedural clips.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos_mini.py', '../_base_/models/recall-vos_lite0.py']
model = dict(test_cfg=dict(resize=dict(length=192, enlarge=1)))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=40, val_interval=40)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.0))
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=40), logger=dict(interval=10))
randomness = dict(seed=0)
