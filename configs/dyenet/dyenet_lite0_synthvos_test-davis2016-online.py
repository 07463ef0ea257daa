# The small weights, their heads fine-tuned once on the first frames of all videos: half of every batch are clips made from
# them, half are clips of the offline training set (data/synthvos).
_base_ = './dyenet_lite0_synthvos_test-davis2016.py'

model = dict(backbone=dict(frozen_stages=7))
clip_len = 4
size = (288, 512)
synthvos = dict(
    type='SynthVOSDataset',
    num_frames=clip_len,
    size=size,
    num_objects=(1, 4),
    seed=77,
    objects=dict(type='FolderObjects', root='data/synthvos/objects', split='train'),
    backgrounds=dict(type='FolderBackgrounds', root='data/synthvos/backgrounds', split='train'),
    settings=dict(object_scale=(0.3, 1.1), speed=0.08, deform=0.1, camera_pan=0.03, distractor_prob=0.3),
    pipeline=[
        dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
        dict(type='LoadClip'),
        dict(type='SelectObjects', min_pixels=200),
        dict(type='FlipClip', prob=0.5),
        dict(type='PackVOSInputs', meta_keys=('identities',)),
    ],
)
test_cfg = dict(
    online_training=dict(
        stages=[
            dict(
                mode='per_dataset',
                max_iters=60,
                batch_size=2,
                clip_len=clip_len,
                synthesis=dict(type='FirstFrameSynthesis', clip_len=clip_len, identity_prob=0.3),
                pipeline=[
                    dict(type='ResizeClip', size=size),
                    dict(type='SelectObjects', min_pixels=200),
                    dict(type='FlipClip', prob=0.5),
                    dict(type='PackVOSInputs'),
                ],
                mix_dataset=synthvos,
                mix_ratio=0.5,
                optim_wrapper=dict(
                    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.0), clip_grad=dict(max_norm=5.0)
                ),
            )
        ]
    )
)
