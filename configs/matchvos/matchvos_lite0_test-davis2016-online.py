# The shipped weights, fine-tuned on each video before it is segmented, with clips of three frames that are made from its first
# frame.
_base_ = './matchvos_lite0_test-davis2016.py'

online_pipeline = [
    dict(type='ResizeClip', size=(288, 512)),
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
test_cfg = dict(
    online_training=dict(
        stages=[
            dict(
                mode='per_video',
                max_iters=40,
                batch_size=1,
                clip_len=3,
                synthesis=dict(type='FirstFrameSynthesis', clip_len=3, identity_prob=0.3),
                pipeline=online_pipeline,
                optim_wrapper=dict(
                    type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.0), clip_grad=dict(max_norm=1.0)
                ),
            )
        ]
    )
)
