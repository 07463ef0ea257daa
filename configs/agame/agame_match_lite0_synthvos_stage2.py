# A short second stage with a falling learning rate, on the matching as it is at test.
_base_ = './agame_match_lite0_synthvos_stage1.py'

model = dict(
    matching=dict(num_recent=2, level_weights=(1, 2), feedback=0.0),
    matching_upsampler=dict(_delete_=True, type='GuidedUpsampler', radius=8, eps=1e-4, subsample=4))
train_dataloader = dict(sampler=dict(seed=5))

train_cfg = dict(max_iters=60, val_interval=60)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=6),
    dict(type='CosineAnnealingLR', T_max=54, eta_min=1e-5, by_epoch=False, begin=6, end=60)
]
default_hooks = dict(checkpoint=dict(interval=15), logger=dict(interval=5))
randomness = dict(seed=5)
load_from = 'work_dirs/agame_match_lite0_synthvos_stage1/iter_300.pth'
