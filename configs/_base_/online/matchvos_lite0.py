# How MatchVOS is fine-tuned on the frames with prompts of a video before it is segmented, with clips of three frames that are
# synthesised from such a frame. About 37 seconds of one CPU core for one object.
online_training = dict(
    stages=[
        dict(
            mode='per_video',
            max_iters=40,
            batch_size=1,
            clip_len=3,
            synthesis=dict(type='FirstFrameSynthesis', clip_len=3, identity_prob=0.3),
            pipeline=[
                dict(type='ResizeClip', size=(288, 512)),
                dict(type='SelectObjects'),
                dict(type='FlipClip', prob=0.5),
                dict(type='PackVOSInputs'),
            ],
            optim_wrapper=dict(
                type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.0), clip_grad=dict(max_norm=1.0)
            ),
        )
    ]
)
