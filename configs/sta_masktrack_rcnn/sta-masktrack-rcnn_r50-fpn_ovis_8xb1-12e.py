_base_ = [
    '../_base_/models/sta-masktrack-rcnn_r50-fpn.py',
    '../_base_/datasets/ovis.py',
    '../_base_/schedules/masktrack_12e.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(gamma=dict(decay_mult=0.0))))
model = dict(detector=dict(roi_head=dict(bbox_head=dict(num_classes=25), mask_head=dict(num_classes=25))))
