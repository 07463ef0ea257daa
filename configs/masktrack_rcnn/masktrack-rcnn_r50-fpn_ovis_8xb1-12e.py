_base_ = [
    '../_base_/models/masktrack-rcnn_r50-fpn.py',
    '../_base_/datasets/ovis.py',
    '../_base_/schedules/masktrack_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(detector=dict(roi_head=dict(bbox_head=dict(num_classes=25), mask_head=dict(num_classes=25))))
