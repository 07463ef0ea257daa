# RVOS with ResNet-101 and hidden size D = 128; one-shot and zero-shot differ in mask_pyramid and test_cfg
D = 128
model = dict(
    type='RVOS',
    backbone=dict(
        type='mmdet.ResNet', depth=101, norm_eval=False, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')
    ),
    neck=dict(type='SkipNeck', in_channels=(256, 512, 1024, 2048), out_channels=(D // 4, D // 2, D, D)),
    decoder=dict(type='RecurrentDecoder', skip_channels=(D, D, D // 2, D // 4), hidden_channels=(D, D // 2, D // 4, D // 8)),
    loss_mask=dict(type='SoftIoULoss'),
    assigner=dict(type='FirstNHungarianAssigner'),
    max_objects=10,
)
