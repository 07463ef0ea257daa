"""Stage 1 of all ablations: two thirds of the training videos, validated on the rest.

The lists are made with tools/dataset_converters/split_youtube_vos.py (the paper's own are not published). Give the
switch of the ablation by ``--cfg-options``, e.g. ``model.neck.separable=False``.
"""
_base_ = '../main_r50_stage1_ytvos2018_256x416.py'

train_dataloader = dict(dataset=dict(sequences='data/YouTubeVOS2018/train66.txt'))
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='YouTubeVOSDataset',
        data_root='data/YouTubeVOS2018',
        split='train',
        sequences='data/YouTubeVOS2018/train33.txt',
        test_mode=True,
        pipeline=[dict(type='PackVideo')]))
val_evaluator = dict(_delete_=True, type='YouTubeVOSMetric')
val_cfg = dict(_delete_=True, type='VideoValLoop')
