"""Table row RVOS-Mask-ST: one-shot, stage 1, on 80 % of the training videos. The lists are made, with a
seed, by

    python tools/dataset_converters/split_youtube_vos.py data/YouTubeVOS2018 --val-share 0.2 --seed 123
"""

_base_ = '../rvos-mask-st_r101_ytvos2018_256x448_20e.py'

held_out = 'data/YouTubeVOS2018/train-val.txt'
train_dataloader = dict(dataset=dict(exclude=held_out))
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(_base_.ytvos, split='train', sequences=held_out, test_mode=True, pipeline=_base_.test_pipeline),
)
val_evaluator = dict(_delete_=True, type='YouTubeVOSMetric')
val_cfg = dict(_delete_=True, type='VideoValLoop')
train_cfg = dict(val_interval=5)
