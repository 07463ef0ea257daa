# All levels attend, also P2, whose map of pairs is 16 times that of P3. For a GPU.
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(detector=dict(neck=dict(levels=(0, 1, 2, 3, 4))))
