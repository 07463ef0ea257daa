# MaskTrack R-CNN small enough to learn SynthVIS on a CPU in a few minutes.
_base_ = ['../_base_/models/masktrack-rcnn_r50-fpn.py', '../_base_/datasets/synthvis_mini.py', '../_base_/default_runtime.py']
extractor = dict(out_channels=64)
model = dict(
    detector=dict(
        init_cfg=None,
        backbone=dict(
            _delete_=True,
            type='mmvos.EfficientNetLite',
            arch='lite0',
            out_indices=(2, 3, 5, 7),
            frozen_stages=2,
            norm_eval=True,
            pretrained=True,
        ),
        neck=dict(in_channels=[24, 40, 112, 320], out_channels=64, norm_cfg=dict(type='GN', num_groups=8)),
        rpn_head=dict(in_channels=64, feat_channels=64),
        roi_head=dict(
            bbox_roi_extractor=extractor,
            bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=8),
            mask_roi_extractor=extractor,
            mask_head=dict(in_channels=64, conv_out_channels=64, num_convs=2, num_classes=8),
        ),
        train_cfg=dict(rpn_proposal=dict(nms_pre=100, max_per_img=100), rcnn=dict(sampler=dict(num=32))),
        test_cfg=dict(rpn=dict(nms_pre=100, max_per_img=50), rcnn=dict(score_thr=0.05, max_per_img=10)),
    ),
    track_head=dict(
        roi_extractor=extractor,
        embed_head=dict(in_channels=64, fc_out_channels=128, init_cfg=dict(type='Normal', layer='Linear', std=0.01)),
        train_cfg=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(resize=dict(length=144, max_length=256)),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.2), gamma=dict(lr_mult=10.0, decay_mult=0.0))),
    clip_grad=dict(max_norm=10, norm_type=2),
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=2, eta_min=1e-5, convert_to_iter_based=True),
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(max_keep_ckpts=1))
randomness = dict(seed=0)
