_base_ = [
    '../_base_/models/sta-masktrack-rcnn_r101-fpn.py',
    '../_base_/datasets/ytvis2021.py',
    '../_base_/schedules/sta-masktrack_12e.py',
    '../_base_/default_runtime.py',
]
# x0 of the attention is the frame before x1, as in the test; tracking is learned from a frame further away
model = dict(near_references=1)
train_dataloader = dict(
    dataset=dict(pipeline=[dict(type='SampleNearAndFar', num_near=1, frame_range=100), *_base_.train_pipeline[1:]])
)
