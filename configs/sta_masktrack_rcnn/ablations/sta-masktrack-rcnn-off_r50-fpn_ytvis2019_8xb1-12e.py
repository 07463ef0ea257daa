# Without attention: MaskTrack R-CNN, from the same config, to compare with.
_base_ = '../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(
    detector=dict(neck=dict(_delete_=True, type='mmdet.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5)),
    memory=dict(num_maps=0),
    near_references=0,
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
