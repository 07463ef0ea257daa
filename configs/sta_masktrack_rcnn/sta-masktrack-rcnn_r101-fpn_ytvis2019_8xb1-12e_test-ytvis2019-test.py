# The test split, on which the paper's figures are.
_base_ = [
    '../_base_/models/sta-masktrack-rcnn_r101-fpn.py',
    '../_base_/datasets/ytvis2019_test.py',
    '../_base_/default_runtime.py',
]
