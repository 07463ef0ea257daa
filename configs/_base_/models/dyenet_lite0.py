# DyeNet on frozen ImageNet features of EfficientNet-Lite0, levels of strides 8 and 16 as one map of stride 8: small enough for
# a CPU.
_base_ = './lite0_frozen.py'
norm_cfg = dict(type='GN', num_groups=8)
channels, hidden = 152, 64  # of the features (40 + 112), of the heads
model = dict(
    type='DyeNet',
    backbone=dict(out_indices=(3, 5)),
    neck=dict(type='LevelConcat', levels=2),
    flow=dict(type='DISFlow', preset='medium'),
    rpn_head=dict(
        type='mmdet.RPNHead',
        in_channels=channels,
        feat_channels=hidden,
        anchor_generator=dict(type='mmdet.AnchorGenerator', scales=[4, 8, 16, 32], ratios=[0.5, 1.0, 2.0], strides=[8]),
        bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='mmdet.L1Loss'),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.MaxIoUAssigner',
                pos_iou_thr=0.7,
                neg_iou_thr=0.3,
                min_pos_iou=0.3,
                ignore_iof_thr=-1,
                iou_calculator=dict(type='mmdet.BboxOverlaps2D'),
            ),
            sampler=dict(type='mmdet.RandomSampler', num=64, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
        test_cfg=dict(nms_pre=300, max_per_img=30, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
    ),
    reid_head=dict(
        type='ReIDHead',
        channels=hidden,
        embed_channels=64,
        centre=True,
        mask_layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), norm_cfg=norm_cfg),
        reid_layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), strides=(2, 2), norm_cfg=norm_cfg),
    ),
    re_mp_head=dict(
        type='ReMPHead',
        in_channels=channels,
        state_channels=hidden,
        hidden_channels=hidden,
        carry_mask=True,
        matching=dict(temperature=0.05, topk=10),
        layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), norm_cfg=norm_cfg),
        attention=dict(type='RegionAttention', channels=hidden + 1),
    ),
    loss_reid=dict(type='OIMLoss', num_identities=400, queue_size=256, channels=64),
    roi_size=28,
    parts=('rpn', 'dyenet'),
    train_cfg=dict(reid_rois=5, reid_positives=3, re_mp_instances=2, proposals=30, unnumbered_rows=128),
    test_cfg=dict(resize=dict(type='ShortSide', length=288, divisor=16), max_proposals=30, min_area=64, max_tracklets=20),
)
