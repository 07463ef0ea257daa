"""RIS on synthetic still images, small enough to learn on a CPU in about a minute: the network for plants, smaller."""
_base_ = '../rsis/rsis_mini_synthinstances.py'

d = 30
model = dict(
    _delete_=True,
    type='RSIS',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True, pad_mask=True),
    backbone=dict(type='PlainConvNet', channels=d, num_layers=4, strides=(2, 1, 2, 1)),
    decoder=dict(type='StackedDecoder', channels=d, num_cells=2, stride=4,
                 mask_head=dict(type='SpatialInhibition', in_channels=d)),
    head=dict(type='PooledScoreHead', in_channels=d),
    criterion=dict(type='RISLoss', score_weight=1.0, extra_steps=2),
    max_steps=5,
    extra_steps=2,
    test_cfg=dict(stop='break'))
# the sequence grows by stages
custom_hooks = [
    dict(type='CurriculumHook', by_epoch=False, begins=(60, 120), model={'max_steps': (2, 3, 5)}),
]
optim_wrapper = dict(clip_grad=dict(type='value', clip_value=5.0))
val_evaluator = [dict(type='InstanceSequenceMetric', painted='first')]
test_evaluator = val_evaluator
