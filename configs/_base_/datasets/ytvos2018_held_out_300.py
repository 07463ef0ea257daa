# Validation of both stages: one object of each of 300 held-out YouTube-VOS training videos, 32 frames.
_base_ = ['../default_runtime.py', '../models/agame_r101.py']
held_out = '{{ fileDirname }}/ytvos2018_held_out_300.txt'

val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='YouTubeVOSDataset',
        data_root='data/YouTubeVOS2018',
        split='train',
        sequences=held_out,
        test_mode=True,
        pipeline=[dict(type='KeepOneObject', num_frames=32), dict(type='PackVideo')],
    ),
)
val_evaluator = dict(type='MeanIoUMetric', objects='each', average='object')
val_cfg = dict(type='VideoValLoop')

# as in training, the coarse mask renews the state
model = dict(test_cfg=dict(update_mask='coarse'))
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
