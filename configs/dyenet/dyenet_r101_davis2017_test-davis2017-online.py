# Fine-tuned on the first frames of all test videos, on clips dreamt from them and as many clips of the training set.
_base_ = './dyenet_r101_davis2017.py'

# of the 205 rows of the table of identities, those that the 144 objects of the training set do not use are for new objects
model = dict(train_cfg=dict(unnumbered_rows=61))

online_pipeline = [
    dict(type='ResizeClip', size=(480, 854)),  # as clips of the training set come
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
test_cfg = dict(
    online_training=dict(
        stages=[
            dict(
                mode='per_dataset',
                max_iters=2000,
                batch_size=8,
                clip_len=4,
                synthesis=dict(type='FirstFrameSynthesis', clip_len=4),
                pipeline=online_pipeline,
                mix_dataset={{_base_.train_dataloader.dataset}},
                mix_ratio=0.5,
                optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=5e-4)),
            )
        ]
    )
)
