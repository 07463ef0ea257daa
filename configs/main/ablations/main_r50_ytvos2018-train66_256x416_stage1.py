"""Stage 1 of all ablations: two thirds of the training videos, validated on the rest.

The paper's lists are not published. These are made with::

    python tools/dataset_converters/split_youtube_vos.py data/YouTubeVOS2018 --val-share 0.33333 --seed 0
    mv data/YouTubeVOS2018/train-train.txt data/YouTubeVOS2018/train66.txt
    mv data/YouTubeVOS2018/train-val.txt data/YouTubeVOS2018/train33.txt

Give the switch of the ablation by ``--cfg-options``, e.g. ``model.neck.separable=False``.
"""

_base_ = '../main_r50_ytvos2018_256x416_stage1.py'

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
        pipeline=[dict(type='PackVideo')],
    ),
)
val_evaluator = dict(_delete_=True, type='YouTubeVOSMetric')
val_cfg = dict(_delete_=True, type='VideoValLoop')
