# Trained on pairs, as MaskTrack R-CNN is: one frame, from up to 100 frames away, serves attention and tracking.
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(near_references=0)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
