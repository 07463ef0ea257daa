# MaskTrack R-CNN's 12 epochs; Gamma of the attention, which starts at 0, is free to grow: without weight decay, at ten times
# the rate.
_base_ = './masktrack_12e.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(gamma=dict(lr_mult=10.0, decay_mult=0.0))))
