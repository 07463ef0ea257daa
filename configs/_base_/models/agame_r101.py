# A-GAME on ResNet-101 at stride 16: both released run files use this network.
model = dict(
    type='AGAME',
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), rgb=True),
    backbone=dict(
        type='DilatedResNet',
        depth=101,
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        contract_dilation=True,  # layer4.0 keeps dilation 1
        out_indices=(0, 1, 3),  # strides 4, 8, 16
        frozen_stages=3,
        norm_eval=False,  # layer4 trains with batch statistics
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    appearance=dict(
        type='GaussianAppearance',
        in_channels=2048,
        channels=512,
        update_rate=0.1,
        cov_init=-2.0,
        hard_components=True,
        estimate_variance=True,
        output='scores',
        detach_fit=False,
    ),
    mask_propagation=dict(type='MaskPropagation', in_channels=2048, channels=512, dilations=(1, 3, 6)),
    fusion=dict(type='CoarseMaskHead', in_channels=4 + 512, mid_channels=512, channels=128, predictor_kernel=1),
    upsampler=dict(type='SkipUpsampler', skip_channels=(512, 256), channels=128),
    loss_final=dict(type='MaskLogLikelihoodLoss', loss_weight=1.0),
    loss_coarse=dict(type='MaskLogLikelihoodLoss', loss_weight=1.0),
    train_update_mask='coarse',
    test_cfg=dict(
        pad=dict(type='PadToMultiple', divisor=16, mode='reflect', front='ceil'), update_mask='aggregated', overlay_prompt=False
    ),
)
