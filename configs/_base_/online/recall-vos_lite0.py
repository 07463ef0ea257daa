# How RecallVOS is fine-tuned on the frames with prompts of a video before it is segmented: its head alone, with clips that are
# simulated from such a frame. About 20 seconds of one CPU core for one object.
online_training = dict(
    stages=[
        dict(
            mode='per_video',
            max_iters=30,
            batch_size=1,
            pipeline=[
                dict(type='SimulateClip', clip_len=4, size=(288, 512), zoom=(1.0, 1.3)),
                dict(type='SelectObjects'),
                dict(type='FlipClip', prob=0.5),
                dict(type='PackVOSInputs'),
            ],
            trainable=['^head'],
            optim_wrapper=dict(
                type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.0), clip_grad=dict(max_norm=1.0)
            ),
        )
    ]
)
