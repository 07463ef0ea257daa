"""The mini model on DAVIS 2016 (test only; weights of main_mini_synthvos.py or of its stages)."""
_base_ = ['../_base_/models/main_r50.py', '../_base_/datasets/davis2016.py', '../_base_/default_runtime.py']

flow = dict(type='DISFlow', preset='ultrafast')
model = dict(
    num_slots=3,
    backbone=dict(depth=18, stem_channels=16, base_channels=16, init_cfg=None),
    neck=dict(in_channels=(16, 16, 32, 64, 128), channels=24, norm_cfg=dict(type='BN')),
    head=dict(in_channels=24),
    loss_mask=[dict(type='WIDLoss'), dict(type='InstanceBCELoss')],
    flow_estimator=flow,
    tracker=dict(flow=flow),
    test_cfg=dict(resize=dict(type='FixedSize', height=128, width=224)))
