# STA-MaskTrack R-CNN with small layers on a frozen EfficientNet-Lite0; masks and boxes of all classes share their weights.
_base_ = './masktrack-rcnn_r50-fpn.py'
extractor = dict(roi_layer=dict(sampling_ratio=2), out_channels=64)
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),  # as the backbone was trained
    detector=dict(
        init_cfg=None,
        backbone=dict(
            _delete_=True,
            type='mmvos.EfficientNetLite',
            arch='lite0',
            out_indices=(2, 3, 5, 7),
            frozen_stages=7,
            norm_eval=True,
            pretrained=True,
        ),
        neck=dict(
            _delete_=True,
            type='mmvos.SpatioTemporalNeck',
            channels=64,
            levels=(1, 2, 3, 4),
            position='neck',
            first_frame='self',
            attention=dict(type='mmvos.SpatioTemporalAttention', inner_channels=16, value_from='current', scale=1.0),
            neck=dict(
                type='mmdet.FPN',
                in_channels=[24, 40, 112, 320],
                out_channels=64,
                num_outs=5,
                norm_cfg=dict(type='GN', num_groups=8),
            ),
        ),
        rpn_head=dict(in_channels=64, feat_channels=64),
        roi_head=dict(
            bbox_roi_extractor=extractor,
            bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=6, reg_class_agnostic=True),
            mask_roi_extractor=extractor,
            mask_head=dict(in_channels=64, conv_out_channels=64, num_convs=3, num_classes=6, class_agnostic=True),
        ),
        train_cfg=dict(rpn_proposal=dict(nms_pre=100, max_per_img=100), rcnn=dict(sampler=dict(num=64))),
        test_cfg=dict(rpn=dict(nms_pre=100, max_per_img=50), rcnn=dict(score_thr=0.05, max_per_img=10)),
    ),
    track_head=dict(
        roi_extractor=extractor,
        embed_head=dict(in_channels=64, fc_out_channels=128, init_cfg=dict(type='Normal', layer='Linear', std=0.01)),
        train_cfg=dict(sampler=dict(num=32)),
    ),
    memory=dict(num_maps=1),
    test_cfg=dict(resize=dict(length=192, max_length=352)),
)
