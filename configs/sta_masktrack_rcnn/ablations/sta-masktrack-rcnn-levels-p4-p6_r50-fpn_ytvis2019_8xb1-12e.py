_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(detector=dict(neck=dict(levels=(2, 3, 4))))
