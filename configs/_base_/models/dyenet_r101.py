# DyeNet as published: ResNet-101 features of stride 8, three copies of its conv5_x as heads, RoIs of 28 x 28.
# All start from ImageNet's weights, the heads from layer4. The paper starts N_feat from a network for semantic segmentation
# that it does not name; a ResNet-101 of one's own, with torchvision's keys:
#   --cfg-options model.backbone.init_cfg.checkpoint=PATH
imagenet = dict(type='Pretrained', checkpoint='torchvision://resnet101')
conv5 = dict(
    type='mmdet.ResLayer', depth=101, stage=3, norm_cfg=dict(type='BN', requires_grad=False), norm_eval=True, init_cfg=imagenet
)
model = dict(
    type='DyeNet',
    backbone=dict(
        type='PartlyFrozenResNet',
        depth=101,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(2,),
        frozen_blocks=20,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=imagenet,
    ),
    flow=dict(type='DISFlow', preset='medium'),
    rpn_head=dict(
        type='mmdet.RPNHead',
        in_channels=1024,
        feat_channels=1024,
        anchor_generator=dict(type='mmdet.AnchorGenerator', scales=[2, 4, 8, 16, 32, 64], ratios=[0.5, 1.0, 2.0], strides=[8]),
        bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
        loss_bbox=dict(type='mmdet.L1Loss', loss_weight=1.0),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.MaxIoUAssigner',
                pos_iou_thr=0.7,
                neg_iou_thr=0.3,
                min_pos_iou=0.3,
                ignore_iof_thr=-1,
                iou_calculator=dict(type='mmdet.BboxOverlaps2D'),
            ),
            sampler=dict(type='mmdet.RandomSampler', num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
        test_cfg=dict(nms_pre=2000, max_per_img=100, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
    ),
    reid_head=dict(
        type='ReIDHead', channels=2048, embed_channels=256, mask_layers=dict(conv5, stride=1), reid_layers=dict(conv5, stride=2)
    ),
    re_mp_head=dict(
        type='ReMPHead',
        in_channels=1024,
        state_channels=2048,
        hidden_channels=256,
        combine='add',
        layers=dict(conv5, stride=1),
        attention=dict(type='RegionAttention', channels=2048),
    ),
    # DAVIS 2017: 144 objects in train, 205 in train and val
    loss_reid=dict(type='OIMLoss', num_identities=205, queue_size=500, channels=256, temperature=0.1, momentum=0.5),
    roi_size=28,
    stride=8,
    mask_weight=1.0,
    train_cfg=dict(
        reid_rois=16, reid_positives=8, positive_iou=0.5, negative_iou=0.3, re_mp_instances=4, jitter=0.1, proposals=100
    ),
    test_cfg=dict(
        reid_thr=0.7,
        max_rounds=10,
        skip_iou=0.7,
        enlarge=0.15,
        min_area_ratio=0.1,
        min_area=64,
        min_box_side=4,
        max_proposals=100,
        memory_mb=4096,
        link=dict(merge_iou=0.5, exclusive_iou=0.5, conflict_ratio=0.0, on_conflict='reject'),
        expand_templates=dict(min_confidence=0.8, max_similarity=0.95, min_gap=5, per_round=5, in_all=20),
    ),
)
