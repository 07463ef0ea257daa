# MaskTrack R-CNN with spatio-temporal attention on the FPN's maps P3 to P6, over the maps of the previous frame.
_base_ = './masktrack-rcnn_r50-fpn.py'
model = dict(
    detector=dict(
        neck=dict(
            _delete_=True,
            type='mmvos.SpatioTemporalNeck',
            channels=256,
            levels=(1, 2, 3, 4),
            position='neck',
            first_frame='self',
            attention=dict(type='mmvos.SpatioTemporalAttention', inner_channels=32, value_from='current', scale=1.0),
            neck=dict(type='mmdet.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5),
        )
    ),
    memory=dict(num_maps=1),
)
