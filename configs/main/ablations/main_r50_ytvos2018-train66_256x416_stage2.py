"""Stage 2 of all ablations, see main_r50_ytvos2018-train66_256x416_stage1.py."""

_base_ = '../main_r50_ytvos2018_256x416_stage2.py'

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
# made by training main_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
