"""Final stage of the full model of Tables 1 to 5, see the first stage."""

_base_ = '../main_r50_ytvos2018_256x416_stage2.py'

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
train_cfg = dict(val_interval=84)
# made by training main_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
