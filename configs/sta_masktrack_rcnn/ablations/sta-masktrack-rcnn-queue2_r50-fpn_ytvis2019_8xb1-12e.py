# The maps of the last 2 frames in one softmax; training sees 2 of them too.
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(memory=dict(num_maps=2), near_references=2)
train_dataloader = dict(
    dataset=dict(pipeline=[dict(type='SampleNearAndFar', num_near=2, frame_range=100), *_base_.train_pipeline[1:]])
)
