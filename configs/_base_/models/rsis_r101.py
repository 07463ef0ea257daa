# RSIS with ResNet-101 and hidden size D = 128; the head reads all five levels
D = 128
model = dict(
    type='RSIS',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_mask=True,
    ),
    backbone=dict(
        type='StemResNet', depth=101, norm_eval=False, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')
    ),
    neck=dict(type='SkipNeck', in_channels=(64, 256, 512, 1024, 2048), out_channels=(D // 8, D // 4, D // 2, D, D)),
    decoder=dict(
        type='RecurrentDecoder',
        skip_channels=(D, D, D // 2, D // 4, D // 8),
        hidden_channels=(D, D // 2, D // 4, D // 8, D // 16),
    ),
    head=dict(type='PooledStateHead', in_channels=248, num_classes=21),
    criterion=dict(type='RSISLoss', class_weight=0.1, stop_weight=0.5, box_weight=0.0),
    max_steps=10,
    extra_steps=1,
    max_objects=20,
)
