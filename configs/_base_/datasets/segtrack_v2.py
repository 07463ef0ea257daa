# SegTrack v2: 14 sequences; unsupervised, test only. Folders and downloads: docs/en/datasets_unsupervised.md.
test_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(type='SegTrackV2Dataset', data_root='data/SegTrackv2', test_mode=True, pipeline=[dict(type='PackVideo')]),
)
val_dataloader = test_dataloader

test_evaluator = dict(type='MeanIoUMetric')
val_evaluator = test_evaluator

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
