# COSNet on an EfficientNet-Lite0 at stride 16 that is trained with the rest.
_base_ = './lite0_pixels.py'
norm_cfg = dict(type='BN')
model = dict(
    type='COSNet',
    backbone=dict(type='EfficientNetLite', arch='lite0', out_indices=(7,), output_stride=16, norm_eval=True, pretrained=True),
    neck=dict(type='ASPPNeck', in_channels=320, branch_channels=64, out_channels=96, dilations=(2, 4, 6), norm_cfg=norm_cfg),
    static_head=dict(type='BinaryMaskHead', in_channels=96),
    co_attention=dict(type='CoAttention', channels=96, form='vanilla'),
    mask_head=dict(type='BinaryMaskHead', in_channels=192, mid_channels=96, norm_cfg=norm_cfg),
    losses=[dict(type='ForegroundBCELoss', form='paper'), dict(type='MaskL1Loss', loss_weight=0.8)],
    combine='summary',
    static_weight=0.1,
    test_cfg=dict(resize=dict(type='FixedSize', height=320, width=576), references=dict(type='UniformReferences', num=5)),
)
