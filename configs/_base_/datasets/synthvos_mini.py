# Procedural clips, made on the fly: no files needed. Small enough to learn from on a CPU in about a minute.
_base_ = './vos_common.py'
size = (96, 160)  # height, width
clip_len = 4
synthvos = dict(
    type='SynthVOSDataset',
    size=size,
    num_objects=(1, 3),
    objects=dict(type='ProceduralObjects', size=96),
    settings=dict(object_scale=(0.3, 0.65), jpeg_quality=None),
)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=20),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(_delete_=True, type='EndlessSampler'),
    dataset=dict(synthvos, num_frames=clip_len, seed=0, pipeline=train_pipeline),
)
test_dataloader = dict(dataset=dict(synthvos, length=8, num_frames=12, late_videos=1, seed=1000))
val_dataloader = test_dataloader

# strict=False: the object that enters late is not in the first annotation, which this protocol scores by
val_evaluator = dict(type='DAVISMetric', protocol='davis2017-semi', strict=False)
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')
