# AGSS-VOS on ResNet-50.
model = dict(
    type='AGSSVOS',
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), rgb=True),
    encoder=dict(
        type='MaskedResNet',
        depth=50,
        style='pytorch',
        norm_eval=True,
        frozen_stages=-1,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    attention=dict(type='AttentionGenerator', in_channels=256, channels=256),
    decoder=dict(type='PropagationDecoder', in_channels=(256, 512, 1024, 2048), channels=256, kernel_size=7),
    loss_mask=dict(type='InstanceIoULoss', form='minmax'),
    flow=dict(type='DISFlow', preset='medium'),
    use_flow=True,  # the four columns of Table 4
    use_iam=True,
    use_ism=True,
    use_norm=True,
    label_rule='half',
    warp_grid='exact',
    iou_threshold=0.5,
    substitution='mean',
    test_cfg=dict(resize=dict(type='ShrinkToMultiple', divisor=64, half=False), upsample='labels'),
)
