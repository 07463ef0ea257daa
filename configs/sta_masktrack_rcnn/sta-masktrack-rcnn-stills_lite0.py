# The model of people and animals alone, for the inferencer and the demo.
_base_ = './sta-masktrack-rcnn_lite0.py'
weights = 'sta-masktrack-rcnn-stills_lite0'
num_classes = 9
model = dict(
    detector=dict(
        roi_head=dict(bbox_head=dict(num_classes=num_classes), mask_head=dict(num_classes=num_classes)),
        # one animal is not two: categories compete for a place, and parts with the whole
        test_cfg=dict(rcnn=dict(nms=dict(type='nms', iou_threshold=0.35, class_agnostic=True))),
    )
)
