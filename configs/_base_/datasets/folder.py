# Your own videos, in the layout of DAVIS 2017: FOLDER/JPEGImages/480p/<video>/, FOLDER/Annotations/480p/<video>/. Objects are
# prompted where they first appear.
_base_ = './vos_common.py'
train_dataloader = None
test_dataloader = dict(
    dataset=dict(
        type='FolderDataset',
        data_root='data/folder',
        data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'),
        prompt='appear',
    )
)
val_dataloader = val_cfg = None
# an object counts from the frame after its first one to the last
test_evaluator = dict(type='YouTubeVOSMetric')
submission = dict(type='DAVISSubmission')
