"""RIS on synthetic still images, small enough for a CPU: pretrained features at stride 4 in place of FCN-8s."""

_base_ = '../rsis/rsis_mini_synthinstances.py'

d = 30
model = dict(
    _delete_=True,
    type='RSIS',
    data_preprocessor=dict(type='mmdet.DetDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True, pad_mask=True),
    backbone=dict(type='EfficientNetLite', arch='lite0', out_indices=(2,), frozen_stages=7, norm_eval=True, pretrained=True),
    neck=dict(type='SkipNeck', in_channels=(24,), out_channels=(d,)),
    # with a scalar of 1 no mask opens in so short a training
    decoder=dict(
        type='StackedDecoder',
        channels=d,
        num_cells=2,
        stride=4,
        mask_head=dict(type='SpatialInhibition', in_channels=d, bias=5.0),
    ),
    head=dict(type='PooledScoreHead', in_channels=d),
    criterion=dict(type='RISLoss', score_weight=1.0, extra_steps=2),
    max_steps=5,
    extra_steps=2,
    test_cfg=dict(stop='break'),
)
# the sequence grows by stages
custom_hooks = [dict(type='CurriculumHook', by_epoch=False, begins=(60, 120), model={'max_steps': (2, 3, 5)})]
optim_wrapper = dict(optimizer=dict(lr=5e-3), clip_grad=dict(type='value', clip_value=5.0))
val_evaluator = [dict(type='InstanceSequenceMetric', painted='first')]
test_evaluator = val_evaluator
