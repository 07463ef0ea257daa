# A-GAME's data: DAVIS 2017 and YouTube-VOS 2018 for training, without 300 training videos of YouTube-VOS, on which it is
# validated: 32 frames of the object with the lowest id in each. The test is DAVIS 2017 val. Folders: see davis2017.py and
# ytvos2018.py.
_base_ = './davis2017.py'
held_out = '{{ fileDirname }}/ytvos2018_held_out_300.txt'
davis = dict(_base_.davis2017, ann_file='ImageSets/2017/train.txt')
ytvos = dict(type='YouTubeVOSDataset', data_root='data/YouTubeVOS2018', split='train')

val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        ytvos,
        _delete_=True,
        sequences=held_out,
        test_mode=True,
        pipeline=[dict(type='KeepOneObject', num_frames=32), dict(type='PackVideo')],
    ),
)
val_evaluator = dict(_delete_=True, type='MeanIoUMetric', objects='each', average='object')
