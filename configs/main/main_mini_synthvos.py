"""MAIN, small enough to learn on a CPU in about a minute: all cues, boxes of a tracker (the last training stage)."""

_base_ = ['../_base_/models/main_r50.py', '../_base_/datasets/synthvos_mini.py', '../_base_/default_runtime.py']

size = (96, 160)
flow = dict(type='DISFlow', preset='ultrafast')
model = dict(
    num_slots=3,
    backbone=dict(depth=18, stem_channels=16, base_channels=16, init_cfg=None),
    # from random weights WID alone pushes all maps to 0: batch norm in the decoder, and cross entropy beside it
    neck=dict(in_channels=(16, 16, 32, 64, 128), channels=24, norm_cfg=dict(type='BN')),
    head=dict(in_channels=24),
    loss_mask=[dict(type='WIDLoss'), dict(type='InstanceBCELoss')],
    flow_estimator=dict(_delete_=True, **flow),
    sta=dict(kernel=(2, 11)),  # 6..30 pixels of 256 rows
    tracker=dict(flow=dict(_delete_=True, **flow)),
    log_slots=True,
    test_cfg=dict(resize=None, pad=dict(type='PadToMultiple', divisor=32)),
)

train_pipeline = [
    dict(type='SampleNeighbourhood', max_frames=dict(type='Staged', values=(2, 4, 6)), skip_first=True),
    dict(type='LoadClip'),
    dict(type='TrackBoxes', tracker=dict(type='FlowColourTracker', flow=flow)),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='PackVOSInputs', extra_keys=('track_boxes',)),
]
train_dataloader = dict(batch_size=4, dataset=dict(num_frames=6, pipeline=train_pipeline))
# the curriculum: later frames, where the tracker errs more, come later
custom_hooks = [dict(type='CurriculumHook', by_epoch=False, begins=(50, 100))]

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3))
param_scheduler = dict(type='CosineAnnealingLR', T_max=200, by_epoch=False, eta_min=1e-4)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
default_hooks = dict(logger=dict(interval=25), checkpoint=dict(by_epoch=False, interval=200, max_keep_ckpts=1))
log_processor = dict(by_epoch=False)
