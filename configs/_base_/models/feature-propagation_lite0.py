model = dict(
    type='FeaturePropagation',
    # EfficientNet-Lite was trained on pixels in [-1, 1]
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    backbone=dict(type='EfficientNetLite', arch='lite0', out_indices=(3, 5), pretrained=True),
    matching=dict(
        type='LabelMatching',
        propagation=dict(type='LabelPropagation', temperature=0.05, topk=10, radius=12),
        lags=(1, 2, 3, 4, 5),
        levels=(0, 1),
        level_weights=(1, 2),
    ),
    refine=dict(type='GuidedUpsampler', radius=8, eps=1e-4, subsample=4),
    test_cfg=dict(resize=dict(type='ShortSide', length=384, divisor=16)),
)
