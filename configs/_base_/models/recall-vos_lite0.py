# RecallVOS on a frozen EfficientNet-Lite0.
model = dict(
    type='RecallVOS',
    data_preprocessor=dict(
        type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), rgb=True, channels_last=True
    ),
    backbone=dict(
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(1, 2, 3, 4, 5, 6, 7),  # strides 2, 4, 8, 16, 16, 32, 32
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    neck=dict(type='RecallNeck'),
    local_read=dict(type='WindowRead', radius=6),
    prompt_read=dict(type='FrameRead', log_spread=-9.0),
    bank_read=dict(type='FrameRead', log_spread=-4.5),
    target=dict(type='LabelRidge'),
    head=dict(type='RecallHead'),
    test_cfg=dict(resize=dict(type='ShortSide', length=384, divisor=16), interpolation='area'),
)
