"""First stage of the full model of Tables 1 to 5: two thirds of the training videos, validated on the rest at the end.

The paper's lists are not published. These are made with::

    python tools/dataset_converters/split_youtube_vos.py data/YouTubeVOS2018 --val-share 0.33333 --seed 0
    mv data/YouTubeVOS2018/train-train.txt data/YouTubeVOS2018/train66.txt
    mv data/YouTubeVOS2018/train-val.txt data/YouTubeVOS2018/train33.txt

Every row of a table is trained through both stages by two configs of its own.
"""

_base_ = '../main_r50_ytvos2018_256x416_stage1.py'

train_dataloader = dict(dataset=dict(sequences='data/YouTubeVOS2018/train66.txt'))
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        _base_.ytvos, split='train', sequences='data/YouTubeVOS2018/train33.txt', test_mode=True, pipeline=_base_.test_pipeline
    ),
)
val_evaluator = dict(_delete_=True, type='YouTubeVOSMetric')
val_cfg = dict(_delete_=True, type='VideoValLoop')
train_cfg = dict(val_interval=100000)
