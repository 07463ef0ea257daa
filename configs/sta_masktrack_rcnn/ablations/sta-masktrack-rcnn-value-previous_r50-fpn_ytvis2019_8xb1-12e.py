# The attention reads its values from the memory: Conv2(x0) in place of Conv2(x1) of equation (2).
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(detector=dict(neck=dict(attention=dict(value_from='previous'))))
