# A small COSNet on procedural clips: learns on a CPU in about a minute, no files needed. Two streams in turn, as in the
# recipe: still images for the embedding with its static head, pairs of frames for the whole network.
_base_ = ['../_base_/datasets/synthvos_mini.py', '../_base_/default_runtime.py']

norm_cfg = dict(type='BN')
model = dict(
    type='COSNet',
    data_preprocessor=dict(
        type='VOSDataPreprocessor', mean=(104.00699, 116.66877, 122.67892), std=(58.0, 58.0, 58.0), rgb=False
    ),
    backbone=dict(
        type='CeilPoolResNet',
        depth=18,
        base_channels=16,
        stem_channels=16,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        out_indices=(3,),
        norm_cfg=norm_cfg,
        norm_eval=False,
    ),
    neck=dict(type='ASPPNeck', in_channels=128, branch_channels=32, out_channels=64, dilations=(2, 4, 6), norm_cfg=norm_cfg),
    static_head=dict(type='BinaryMaskHead', in_channels=64),
    co_attention=dict(type='CoAttention', channels=64, form='vanilla'),
    mask_head=dict(type='BinaryMaskHead', in_channels=128, mid_channels=64, norm_cfg=norm_cfg),
    losses=[dict(type='ForegroundBCELoss', form='paper', loss_weight=2.0), dict(type='MaskL1Loss', loss_weight=0.8)],
    combine='summary',
    static_weight=1.0,
    # the recipe has 0 here; with so few steps the static head learns from the pairs as well
    static_on_video=0.5,
    test_cfg=dict(resize=dict(type='FixedSize', height=96, width=160), references=dict(type='UniformReferences', num=5)),
)

synth = dict(
    type='SynthVOSDataset',
    size=(96, 160),
    num_objects=(1, 2),
    settings=dict(object_scale=(0.3, 0.65), jpeg_quality=None),
    length=4000,
)
train_dataloader = dict(
    _delete_=True,
    batch_size=8,
    num_workers=0,
    sampler=dict(type='AlternatingSampler'),
    batch_sampler=dict(type='AlternatingBatchSampler', pattern=('still', 'video', 'video'), num_batches=60),
    dataset=dict(
        type='AlternatingDatasets',
        streams=dict(
            video=dict(
                synth,
                num_frames=4,
                seed=0,
                pipeline=[
                    dict(type='SamplePair'),
                    dict(type='LoadClip'),
                    dict(type='CropFlipResize', size=(96, 160), crop=0.9, flip_prob=0.5),
                    dict(type='PackVOSInputs'),
                ],
            ),
            still=dict(
                synth,
                num_frames=1,
                seed=1,
                pipeline=[dict(type='SampleClip', clip_len=1), dict(type='LoadClip'), dict(type='PackVOSInputs')],
            ),
        ),
    ),
)

val_evaluator = dict(_delete_=True, type='MeanIoUMetric')
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4), paramwise_cfg=dict(norm_decay_mult=0.0)
)
param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=241, by_epoch=False)]
custom_hooks = [
    dict(
        type='AlternatingLRHook',
        lr_mult=dict(
            still={'': 0.0, 'backbone': 1.0, 'neck': 1.0, 'static_head': 1.0}, video={'': 1.0, 'backbone': 1.0, 'neck': 1.0}
        ),
    )
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4, val_interval=4)
randomness = dict(seed=0)
find_unused_parameters = True  # a step of one stream leaves parameters of the other untouched
