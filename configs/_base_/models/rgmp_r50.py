# RGMP on ResNet-50.
model = dict(
    type='RGMP',
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), rgb=True),
    encoder=dict(
        type='MaskedResNet',
        depth=50,
        style='pytorch',
        norm_eval=True,
        frozen_stages=-1,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decoder=dict(
        type='PropagationDecoder',
        in_channels=(256, 512, 1024, 2048),
        channels=256,
        kernel_size=7,
        align_corners=True,  # what the PyTorch of its time did
        auxiliary=True,
    ),
    scales=(0.5, 0.75, 1.0),
    loss_weights=(1.0, 0.5, 0.25, 0.125),
    iou_threshold=0.5,
    substitution='mean',
    test_cfg=dict(pad=dict(type='PadToMultiple', divisor=32, mode='constant', front='floor', always=True)),
)
