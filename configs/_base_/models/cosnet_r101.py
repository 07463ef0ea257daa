# COSNet as in section 3.4 of the paper: DeepLabv3 (ResNet-101, output stride 8), input 473 x 473.
norm_cfg = dict(type='SyncBN')
init_cfg = dict(type='Normal', layer='Conv2d', std=0.01)
model = dict(
    type='COSNet',
    # BGR, 0..255 minus the mean
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(104.00699, 116.66877, 122.67892), std=(1.0, 1.0, 1.0), rgb=False),
    backbone=dict(
        type='CeilPoolResNet',
        depth=101,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        out_indices=(3,),
        style='caffe',
        norm_cfg=norm_cfg,
        norm_eval=False,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnet101_caffe'),
    ),
    neck=dict(
        type='ASPPNeck',
        in_channels=2048,
        branch_channels=512,
        out_channels=256,
        dilations=(6, 12, 18),
        norm_cfg=norm_cfg,
        init_cfg=init_cfg,
    ),
    static_head=dict(type='BinaryMaskHead', in_channels=256, init_cfg=init_cfg),
    co_attention=dict(type='CoAttention', channels=256, form='vanilla'),
    mask_head=dict(type='BinaryMaskHead', in_channels=512, mid_channels=256, norm_cfg=norm_cfg, init_cfg=init_cfg),
    losses=[dict(type='ForegroundBCELoss', form='paper'), dict(type='MaskL1Loss', loss_weight=0.8)],
    combine='summary',
    static_weight=0.1,
    test_cfg=dict(
        resize=dict(type='FixedSize', height=473, width=473),
        interpolation='antialias',
        references=dict(type='UniformReferences', num=5),
    ),
)
