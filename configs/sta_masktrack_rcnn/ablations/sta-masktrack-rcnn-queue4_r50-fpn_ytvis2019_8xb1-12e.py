# The maps of the last 4 frames in one softmax; training sees 4 reference frames too.
_base_ = ['../sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py']
model = dict(memory=dict(num_maps=4))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmdet.UniformRefFrameSample', num_ref_imgs=4, frame_range=100, filter_key_img=True),
            *_base_.train_pipeline[1:],
        ]
    )
)
