# The authors' group model: the positions of N references compete in one soft-max, after one over the target's positions.
# Trained at 378 x 378 with two references, tested at 473 x 473 with three.
_base_ = ['./cosnet_r101_davis2016-saliency.py']

size = (378, 378)
model = dict(
    combine='joint',
    co_attention=dict(double_softmax=True),
    losses=[dict(type='ForegroundBCELoss', form='code'), dict(type='MaskL1Loss', loss_weight=0.8)],
    test_cfg=dict(references=dict(type='RandomReferences', num=3)),
)

still_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size),
    dict(type='PackVOSInputs'),
]
video_pipeline = [
    dict(type='SamplePair', num_references=2),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size, crop=0.9, flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    dataset=dict(
        streams=dict(
            video=dict(dataset=dict(pipeline=video_pipeline)),
            still=[
                dict(type='MSRA10KDataset', data_root='data/MSRA10K', pipeline=still_pipeline),
                dict(type='DUTOMRONDataset', data_root='data/DUT-OMRON', pipeline=still_pipeline),
            ],
        )
    )
)
