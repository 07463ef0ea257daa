# A-GAME with matching, trained on SynthVOS with photographic cut-outs alone; made for a CPU. What the matching reads is
# renewed from the network's own masks in this stage.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/synthvos.py', '../_base_/models/agame_match_lite0.py'
]

clip_len = 4
size = (192, 336)  # a window of a frame at the test scale: objects are as large in pixels as they will be there

train_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=2, min_pixels=60),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        num_frames=clip_len,
        size=size,
        num_objects=(1, 4),
        settings=dict(object_scale=(0.3, 1.1), speed=0.08, deform=0.1, camera_pan=0.03, distractor_prob=0.3),
        pipeline=train_pipeline))

model = dict(matching=dict(num_recent=2, level_weights=(1, 1), feedback=1.0), matching_upsampler=None)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=300, val_interval=300)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=1.0))
param_scheduler = [dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50)]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100), logger=dict(interval=20))
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
