# For checkpoints of the original repository (converter "masktrack_rcnn"): its conventions of boxes, RoIs and matching.
_base_ = './masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
roi_layer = dict(type='RoIAlign', sampling_ratio=2, aligned=False)
model = dict(
    detector=dict(
        rpn_head=dict(
            anchor_generator=dict(type='mmdet.LegacyAnchorGenerator', center_offset=0.5),
            bbox_coder=dict(type='mmdet.LegacyDeltaXYWHBBoxCoder'),
            loss_bbox=dict(_delete_=True, type='mmdet.SmoothL1Loss', beta=1.0 / 9.0, loss_weight=1.0),
        ),
        roi_head=dict(
            bbox_roi_extractor=dict(roi_layer=roi_layer),
            bbox_head=dict(bbox_coder=dict(type='mmdet.LegacyDeltaXYWHBBoxCoder')),
            mask_roi_extractor=dict(roi_layer=roi_layer),
        ),
        train_cfg=dict(rpn=dict(allowed_border=0)),
        test_cfg=dict(rcnn=dict(score_thr=0.05, max_per_img=10)),
    ),
    track_head=dict(
        roi_extractor=dict(roi_layer=roi_layer), embed_head=dict(loss_normaliser='positive', skip_single_positive=True)
    ),
    tracker=dict(update_labels=False, iou_offset=1.0, min_match_score=-100.0),
    memory=dict(num_frames_retain=None),
)
