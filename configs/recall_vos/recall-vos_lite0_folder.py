# Fine-tunes the weights that come with MMVOS on videos of your own, and tests on the same layout. A few minutes of one core.
#   data/folder/JPEGImages/480p/<video>/<frame>.jpg
#   data/folder/Annotations/480p/<video>/<frame>.png   label maps of any frames; clips are made of the frames that have one
# Another place: --cfg-options train_dataloader.dataset.data_root=PLACE test_dataloader.dataset.data_root=PLACE
_base_ = ['../_base_/datasets/folder.py', '../_base_/schedules/lite0.py', '../_base_/models/recall-vos_lite0.py']

load_from = 'recall-vos_lite0'
max_iters = 200
clip_len = 4
size = (224, 384)

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5, gap=(1, 4)),
    dict(type='LoadClip'),
    dict(type='ResizeClip', short_side=320),
    dict(type='RandomResizeClip', scales=(0.7, 1.25), continuous=True, backend='cv2'),
    dict(type='RandomCropClip', size=size),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='FolderDataset',
        data_root='data/folder',
        data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'),
        pipeline=train_pipeline,
    ),
)
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=10),
    dict(type='CosineAnnealingLR', T_max=max_iters - 10, eta_min=1e-5, by_epoch=False, begin=10, end=max_iters),
]
