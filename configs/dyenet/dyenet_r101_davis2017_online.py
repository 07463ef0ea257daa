# Fine-tuned on the first frames of all test videos, on clips dreamt from them.
_base_ = './dyenet_r101_davis2017.py'

online_pipeline = [
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
test_cfg = dict(
    online_training=dict(
        stages=[
            dict(
                mode='per_dataset', max_iters=2000, batch_size=8, clip_len=4,
                synthesis=dict(type='LucidDream', clip_len=4), pipeline=online_pipeline,
                optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4, momentum=0.9,
                                                                       weight_decay=5e-4)))
        ]))
