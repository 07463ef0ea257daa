# The model alone, for the inferencer and the demo.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/sta-masktrack-rcnn_lite0.py']
weights = 'sta-masktrack-rcnn_lite0'
# real video has smaller objects than the videos of the training
model = dict(test_cfg=dict(resize=dict(length=240, max_length=448)))
