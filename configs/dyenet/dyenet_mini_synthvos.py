# Every part of the method, small: light features of stride 8, RoIs of 14 x 14 cells. RPN and DyeNet are trained together.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/synthvos_mini.py']

norm_cfg = dict(type='GN', num_groups=8)
roi_size = 14
channels, hidden = 112, 64
model = dict(
    type='DyeNet',
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    backbone=dict(
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(5,),
        output_stride=8,
        frozen_stages=4,
        norm_eval=True,
        pretrained=True,
    ),
    flow=dict(type='DISFlow'),
    rpn_head=dict(
        type='mmdet.RPNHead',
        in_channels=channels,
        feat_channels=hidden,
        anchor_generator=dict(type='mmdet.AnchorGenerator', scales=[2, 4, 8], ratios=[0.5, 1.0, 2.0], strides=[8]),
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
        test_cfg=dict(nms_pre=500, max_per_img=30, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
    ),
    reid_head=dict(
        type='ReIDHead',
        channels=hidden,
        embed_channels=32,
        mask_layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), norm_cfg=norm_cfg),
        reid_layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), strides=(2, 1), norm_cfg=norm_cfg),
    ),
    re_mp_head=dict(
        type='ReMPHead',
        in_channels=channels,
        state_channels=hidden,
        hidden_channels=hidden,
        layers=dict(type='ConvLayers', channels=(channels, hidden, hidden), norm_cfg=norm_cfg),
        attention=dict(type='RegionAttention', channels=hidden),
    ),
    loss_reid=dict(type='OIMLoss', num_identities=64, queue_size=64, channels=32),
    roi_size=roi_size,
    parts=('rpn', 'dyenet'),
    test_cfg=dict(max_proposals=30, min_area=16, min_box_side=2),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=120, val_interval=120)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=10.0)
)
param_scheduler = [dict(type='CosineAnnealingLR', T_max=120, by_epoch=False, eta_min=1e-5)]
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=120), logger=dict(interval=20))
