# A-GAME with small layers on a frozen EfficientNet-Lite0.
_base_ = './agame_r101.py'
model = dict(
    data_preprocessor=dict(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), channels_last=True),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(2, 3, 5),  # strides 4, 8, 16
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    appearance=dict(in_channels=112, channels=96),
    mask_propagation=dict(in_channels=112, channels=96),
    fusion=dict(in_channels=4 + 96, mid_channels=96, channels=48),
    upsampler=dict(skip_channels=(40, 24), channels=48),
    test_cfg=dict(_delete_=True, resize=dict(type='ShortSide', length=384, divisor=16), interpolation='area'),
)
