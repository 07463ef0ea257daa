# Procedural clips, made on the fly: no files needed. Small enough to learn from on a CPU in about a minute.
size = (96, 160)  # height, width
clip_len = 4
objects = dict(type='ProceduralObjects', size=96)
settings = dict(object_scale=(0.3, 0.65), jpeg_quality=None)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=20),
    dict(type='PackVOSInputs'),
]
test_pipeline = [dict(type='PackVideo')]

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='EndlessSampler'),
    dataset=dict(
        type='SynthVOSDataset',
        num_frames=clip_len,
        size=size,
        num_objects=(1, 3),
        objects=objects,
        settings=settings,
        seed=0,
        pipeline=train_pipeline,
    ),
)

val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='LongestFirstSampler'),
    dataset=dict(
        type='SynthVOSDataset',
        length=8,
        num_frames=12,
        size=size,
        num_objects=(1, 3),
        objects=objects,
        late_videos=1,
        settings=settings,
        seed=1000,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

# strict=False: the object that enters late is not in the first annotation, which this protocol scores by
val_evaluator = dict(type='DAVISMetric', protocol='davis2017-semi', strict=False)
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')

val_cfg = dict(type='VideoValLoop')
test_cfg = dict(type='VideoTestLoop')
