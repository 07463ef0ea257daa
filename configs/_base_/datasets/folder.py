# Your own videos, in the layout of DAVIS 2017: FOLDER/JPEGImages/480p/<video>/, FOLDER/Annotations/480p/<video>/. Objects are
# prompted where they first appear.
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='FolderDataset',
        data_root='data/folder',
        data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'),
        prompt='appear',
        test_mode=True,
        pipeline=[dict(type='PackVideo')],
    ),
)
# an object counts from the frame after its first one to the last
test_evaluator = dict(type='YouTubeVOSMetric')
test_cfg = dict(type='VideoTestLoop')
submission = dict(type='DAVISSubmission')
