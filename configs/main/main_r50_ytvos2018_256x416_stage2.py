"""MAIN, training stage 2: boxes of the tracker in place of the true ones, in a curriculum of ever later frames.

Without short-term attention this is also the final model of the "LTA" rows of Table 3. Make the boxes first with
tools/dataset_converters/cache_box_tracks.py.
"""

_base_ = 'main_r50_ytvos2018_256x416_stage1.py'

size = (256, 416)
train_pipeline = [
    dict(type='SampleNeighbourhood', max_frames=dict(type='Staged', values=(2, 4, 8, 14)), skip_first=True),
    dict(type='LoadClip'),
    dict(type='LoadBoxTracks', root='data/YouTubeVOS2018/train/tracks/flow_colour'),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='PackVOSInputs', extra_keys=('track_boxes',)),
]
train_dataloader = dict(sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(pipeline=train_pipeline))

# The first 2, 4, 8 and 14 frames of each video, three epochs each. An epoch of the data loader takes one frame of each
# video, so three epochs over the first k frames are 3 k of them.
custom_hooks = [dict(type='CurriculumHook', begins=(6, 18, 42))]
optim_wrapper = dict(optimizer=dict(lr=1e-5))  # not given
param_scheduler = []
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=84)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=6))
log_processor = dict(by_epoch=True)
# made by training main_r50_ytvos2018_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018_256x416_stage1/iter_100000.pth'
