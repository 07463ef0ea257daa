# RecallVOS on a frozen EfficientNet-Lite0.
_base_ = './lite0_frozen.py'
model = dict(
    type='RecallVOS',
    backbone=dict(out_indices=(1, 2, 3, 4, 5, 6, 7)),  # strides 2, 4, 8, 16, 16, 32, 32
    neck=dict(type='RecallNeck'),
    local_read=dict(type='WindowRead', radius=6),
    prompt_read=dict(type='FrameRead', log_spread=-9.0),
    bank_read=dict(type='FrameRead', log_spread=-4.5),
    target=dict(type='LabelRidge'),
    head=dict(type='RecallHead'),
    test_cfg=dict(
        resize=dict(type='ShortSideByObjects', length=384, small=0.03, enlarge=1.75, divisor=16), interpolation='area'
    ),
)
