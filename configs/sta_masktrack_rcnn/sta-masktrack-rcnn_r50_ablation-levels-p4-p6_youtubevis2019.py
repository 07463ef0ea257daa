_base_ = './sta-masktrack-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
model = dict(detector=dict(neck=dict(levels=(2, 3, 4))))
