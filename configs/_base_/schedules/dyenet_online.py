# DyeNet's online training: one fine-tuning on the first frames of all test videos ("per-dataset", 2,000 iterations), on clips
# that are made of them and on as many clips of the training set, which the config that uses this adds as mix_dataset.
# Every given object gets an identity of its own, a new row of the OIM table. The rate is not told.
online_stage = dict(
    mode='per_dataset',
    max_iters=2000,
    batch_size=8,
    clip_len=4,
    synthesis=dict(type='FirstFrameSynthesis', clip_len=4),
    pipeline=[
        dict(type='ResizeClip', size=(480, 854)),  # as clips of the training set come
        dict(type='SelectObjects'),
        dict(type='FlipClip', prob=0.5),
        dict(type='PackVOSInputs'),
    ],
    mix_ratio=0.5,
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=5e-4)),
)
