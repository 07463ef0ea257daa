# Training on photographs with masks of objects: data/stills/<set>/{images,masks}.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/click-segmenter_lite0.py']

train_dataloader = dict(
    batch_size=12,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='StillObjectsDataset',
        data_root='data/stills',
        folders=('animals', 'cats', 'coco128seg', 'coco_mini', 'davis2017_testdev_first_frames', 'people'),
        size=320,
        zoom=(0.8, 2.0),
        repeats=3,
    ),
    collate_fn=dict(type='pseudo_collate'),
)
max_iters = 3000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=5.0)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', T_max=max_iters, eta_min=1e-5, by_epoch=False),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=500))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=12)
find_unused_parameters = True  # where nobody clicked yet, nothing is compared with the clicked cells
