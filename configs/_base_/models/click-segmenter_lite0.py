# An interactive segmenter on the features of the frozen EfficientNet-Lite0 that the default video model has, too.
_base_ = './lite0_frozen.py'
model = dict(
    type='ClickSegmenter',
    backbone=dict(out_indices=(2, 3, 4, 5, 6, 7)),  # strides 4, 8, 16, 16, 32, 32
    encoder=dict(type='PromptEncoder', scales=(6.0, 48.0)),
    decoder=dict(type='ClickDecoder', in_channels=(24, 40, 192, 512), channels=(24, 32, 64), dilations=(1, 2, 4)),
    loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
    loss_region=dict(type='mmdet.DiceLoss', use_sigmoid=True, naive_dice=False, loss_weight=1.0),
    user=dict(max_rounds=4, extra_clicks=2, box_share=0.3, box_noise=0.05, forget=0.2),
    test_cfg=dict(
        resize=dict(type='ShortSide', length=384, divisor=32),
        interpolation='area',
        closeup=1.4,
        box_looks=2,
        box_mirrored=True,
        closeup_resize=dict(type='ShortSide', length=384, max_length=480, divisor=32),
    ),
)
