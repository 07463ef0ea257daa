# AGSS-VOS on an EfficientNet-Lite0 that is trained with the rest; DIS flow.
model = dict(
    type='AGSSVOS',
    data_preprocessor=dict(
        type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), rgb=True, channels_last=True
    ),
    encoder=dict(type='MaskedEfficientNetLite', arch='lite0', out_indices=(2, 3, 5, 7), norm_eval=True, pretrained=True),
    attention=dict(type='AttentionGenerator', in_channels=24, channels=64),
    decoder=dict(type='PropagationDecoder', in_channels=(24, 40, 112, 320), channels=64, kernel_size=7),
    loss_mask=dict(type='InstanceIoULoss', form='minmax'),
    flow=dict(type='DISFlow', preset='medium'),
    test_cfg=dict(resize=dict(type='ShortSide', length=384, divisor=32), interpolation='area', upsample='scores'),
)
