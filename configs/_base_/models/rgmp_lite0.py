# RGMP on an EfficientNet-Lite0 that is trained with the rest; one scale.
_base_ = './lite0_pixels.py'
model = dict(
    type='RGMP',
    encoder=dict(type='MaskedEfficientNetLite', arch='lite0', out_indices=(2, 3, 5, 7), norm_eval=True, pretrained=True),
    decoder=dict(type='PropagationDecoder', in_channels=(24, 40, 112, 320), channels=64, kernel_size=7, auxiliary=True),
    scales=(1.0,),
    loss_weights=(1.0, 0.5, 0.25, 0.125),
    loss_mask=dict(type='InstanceIoULoss'),
    test_cfg=dict(resize=dict(type='ShortSide', length=384, divisor=32), interpolation='area'),
)
