# Attention on the backbone's last map, before the FPN: the narrow reading of "the output of the backbone part".
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(detector=dict(neck=dict(position='backbone', channels=2048, levels=(3,), attention=dict(inner_channels=256))))
