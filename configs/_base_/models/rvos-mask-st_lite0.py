# RVOS one-shot with small layers on a frozen EfficientNet-Lite0.
_base_ = './rvos_r101.py'
D = 64
model = dict(
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(127.0,) * 3, std=(128.0,) * 3, rgb=True, channels_last=True),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(2, 3, 5, 7),
        frozen_stages=7,
        norm_eval=True,
        pretrained=True,
    ),
    neck=dict(in_channels=(24, 40, 112, 320), out_channels=(D // 2, D // 2, D, D)),
    decoder=dict(skip_channels=(D, D, D // 2, D // 2), hidden_channels=(D, D, D // 2, D // 2)),
    mask_pyramid=dict(type='MaskPyramid', num_levels=4),
    max_objects=3,
    test_cfg=dict(resize=dict(type='ShortSide', length=256, divisor=32), interpolation='area'),
)
