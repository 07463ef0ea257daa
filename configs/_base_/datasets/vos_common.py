# What all data sets of videos share: how training clips are loaded, one video at a time in validation and test.
# A method sets train_dataloader = dict(batch_size=..., dataset=dict(pipeline=train_pipeline)).
test_pipeline = [dict(type='PackVideo')]

train_dataloader = dict(
    batch_size=4, num_workers=4, persistent_workers=True, drop_last=True, sampler=dict(type='DefaultSampler', shuffle=True)
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,  # frames are read ahead by the video itself
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(test_mode=True, pipeline=test_pipeline),
)
val_dataloader = test_dataloader

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
