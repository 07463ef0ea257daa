# Validation of both stages: one object of each of 300 held-out YouTube-VOS training videos, 32 frames.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/agame_r101.py']

val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='YouTubeVOSDataset',
        data_root='data/YouTubeVOS2018',
        split='train',
        sequences='{{ fileDirname }}/youtube_vos_held_out_300.txt',
        test_mode=True,
        pipeline=[dict(type='KeepOneObject', num_frames=32), dict(type='PackVideo')],
    ),
)
val_evaluator = dict(type='MeanIoUMetric', objects='each', average='object')
val_cfg = dict(type='VideoValLoop')

# as in training, the coarse mask renews the state
model = dict(test_cfg=dict(update_mask='coarse'))
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
