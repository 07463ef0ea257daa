# Labels read from remembered frames with a target model's opinion, and A-GAME's parts with small layers that correct them, on
# a frozen EfficientNet-Lite0 at stride 8.
_base_ = './lite0_frozen.py'
model = dict(
    type='MatchVOS',
    backbone=dict(out_indices=(1, 2, 3, 4, 5, 6, 7)),  # strides 2, 4, 8, 16, 16, 32, 32
    neck=dict(type='LevelConcat', levels=2, use=(0, 1, 2, 4)),  # strides 8 and 16 as one map of 152 channels
    appearance=dict(type='GaussianAppearance', in_channels=152, channels=64, update_rate=0.1, output='posterior'),
    mask_propagation=dict(type='MaskPropagation', in_channels=152, channels=48),
    matching=dict(
        type='TargetLabelMatching',
        propagation=dict(type='LabelPropagation', temperature=0.05, topk=10, radius=12),
        lags=(1, 2, 5),
        levels=(2, 4),
        level_weights=(1, 2),
        memory_update=0.0,
        noise_scale=1.0,
        target=dict(type='RidgeTarget', ridge=0.2, memory_share=0.05, memory_rate=0.2, interval=2),
        target_levels=(2, 3, 4, 5, 6),
        score_weight=1.0,
        background_bias=0.2,
        target_memory_update=0.5,
    ),
    prior_upsampler=dict(type='GuidedUpsampler', radius=8, eps=1e-4, subsample=4),
    fusion=dict(type='CoarseMaskHead', in_channels=4 + 48 + 4, mid_channels=64, channels=32),
    upsampler=dict(
        type='SkipUpsampler',
        skip_channels=(24, 16),
        channels=32,
        # the final predictor begins at zero: the network begins as the matching alone
        init_cfg=dict(
            type='Kaiming',
            layer='Conv2d',
            mode='fan_in',
            nonlinearity='relu',
            distribution='uniform',
            override=dict(type='Constant', name='predictor', val=0.0),
        ),
    ),
    loss_final=dict(type='MaskLogLikelihoodLoss', loss_weight=1.0, overlap_weight=0.5),
    loss_coarse=dict(type='MaskLogLikelihoodLoss', loss_weight=0.5),
    train_update_mask='fine',
    test_cfg=dict(resize=dict(type='ShortSide', length=384, divisor=16), interpolation='area', update_mask='aggregated'),
)
