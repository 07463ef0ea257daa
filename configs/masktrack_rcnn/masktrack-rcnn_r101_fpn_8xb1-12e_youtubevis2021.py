_base_ = [
    '../_base_/models/masktrack_rcnn_r101_fpn.py',
    '../_base_/datasets/youtube_vis_2021.py',
    '../_base_/schedules/masktrack_12e.py',
    '../_base_/default_runtime.py',
]
