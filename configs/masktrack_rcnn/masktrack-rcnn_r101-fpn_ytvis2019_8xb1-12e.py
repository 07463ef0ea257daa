_base_ = [
    '../_base_/models/masktrack-rcnn_r101-fpn.py',
    '../_base_/datasets/ytvis2019.py',
    '../_base_/schedules/masktrack_12e.py',
    '../_base_/default_runtime.py',
]
