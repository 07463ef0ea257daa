# SynthVOS: endless clips of photographed objects over photographs. Both folders are made by
#   python tools/dataset_converters/prepare_synthvos.py data/synthvos
# or with --objects and --backgrounds from RGBA cut-outs (a sub-folder per category) and photographs of your own.
_base_ = './vos_common.py'
data_root = 'data/synthvos'
size = (240, 432)  # height, width
clip_len = 8

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', min_pixels=100),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type='EndlessSampler'),  # for IterBasedTrainLoop: no clip comes twice
    dataset=dict(
        type='SynthVOSDataset',
        num_frames=clip_len,
        size=size,
        num_objects=(1, 6),
        objects=dict(type='FolderObjects', root=f'{data_root}/objects', split='train'),
        backgrounds=dict(type='FolderBackgrounds', root=f'{data_root}/backgrounds', split='train'),
        seed=0,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    dataset=dict(
        type='SynthVOSDataset',
        length=20,
        num_frames=24,
        size=size,
        num_objects=(1, 4),
        late_videos=4,
        objects=dict(type='FolderObjects', root=f'{data_root}/objects', split='val'),
        backgrounds=dict(type='FolderBackgrounds', root=f'{data_root}/backgrounds', split='val'),
        seed=1000,
    )
)
val_dataloader = test_dataloader

# strict=False: objects that enter late are not in the first annotation, which this protocol scores by
val_evaluator = dict(type='DAVISMetric', protocol='davis2017-semi', strict=False)
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')
