"""MAIN, final stage: boxes of the tracker in place of the true ones, short-term attention, ever later frames.

The first convolution's weights of the short-term attention are copied from those of the long-term one. Make the boxes first
with tools/dataset_converters/cache_box_tracks.py.
"""

_base_ = 'main_r50_ytvos2018_256x416_stage1.py'

boxes = 'data/YouTubeVOS2018/train/tracks/flow_colour'  # made with configs/trackers/flow_colour.py
model = dict(
    sta=dict(_delete_=True, type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    loss_mask=dict(iters=0),  # the network is trained already: no cross entropy first
)
train_pipeline = [
    dict(type='SampleNeighbourhood', max_frames=dict(type='Staged', values=(2, 4, 8, 14)), skip_first=True),
    dict(type='LoadClip'),
    dict(type='LoadBoxTracks', root=boxes),
    dict(type='ResizeCropFlip', size=_base_.size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='EstimateFlow', estimator=_base_.cue_flow),
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
