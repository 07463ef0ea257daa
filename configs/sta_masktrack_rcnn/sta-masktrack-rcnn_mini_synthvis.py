# The same with spatio-temporal attention on all levels from P3 on.
_base_ = '../masktrack_rcnn/masktrack-rcnn_mini_synthvis.py'
model = dict(
    detector=dict(
        neck=dict(
            _delete_=True,
            type='mmvos.SpatioTemporalNeck',
            channels=64,
            levels=(1, 2, 3, 4),
            position='neck',
            first_frame='self',
            attention=dict(type='mmvos.SpatioTemporalAttention', inner_channels=16, value_from='current', scale=1.0),
            neck=dict(
                type='mmdet.FPN',
                in_channels=[24, 40, 112, 320],
                out_channels=64,
                num_outs=5,
                norm_cfg=dict(type='GN', num_groups=8),
            ),
        )
    ),
    memory=dict(num_maps=1),
)
