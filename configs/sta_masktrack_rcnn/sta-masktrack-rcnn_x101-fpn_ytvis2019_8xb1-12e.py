_base_ = [
    '../_base_/models/sta-masktrack-rcnn_x101-fpn.py',
    '../_base_/datasets/ytvis2019.py',
    '../_base_/schedules/masktrack_12e.py',
    '../_base_/default_runtime.py',
]
# Gamma of the attention starts at 0 and must be free to grow.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(gamma=dict(decay_mult=0.0))))
