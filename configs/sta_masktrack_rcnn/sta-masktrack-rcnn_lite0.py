# The model alone, for the inferencer and the demo; its weights (those of the backbone too) lie beside this file.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/sta-masktrack-rcnn_lite0.py']
weights = 'configs/sta_masktrack_rcnn/sta_masktrack_rcnn_lite0.pth'
model = dict(
    test_cfg=dict(resize=dict(length=240, max_length=448))
)  # real video has smaller objects than the videos of the training
