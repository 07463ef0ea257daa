"""MAIN for DAVIS 2017: widened from N = 6 to N = 10 instances, fine-tuned on its 60 training videos.

How the paper's model for DAVIS was trained is not told; a video counts twenty times, so that an epoch has 60 steps.
"""

_base_ = ['../_base_/models/main_r50.py', '../_base_/datasets/davis2017.py', '../_base_/default_runtime.py']

size = (256, 416)
num_slots = 10
boxes = 'data/DAVIS/tracks/flow_colour'  # made with configs/trackers/flow_colour.py
model = dict(num_slots=num_slots, loss_mask=dict(iters=0))

train_pipeline = [
    dict(type='SampleNeighbourhood', max_frames=dict(type='Staged', values=(2, 4, 8, 14)), skip_first=True),
    dict(type='LoadClip'),
    dict(type='LoadBoxTracks', root=boxes),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='EstimateFlow', estimator=_base_.cue_flow),
    dict(type='PackVOSInputs', extra_keys=('track_boxes',)),
]
davis = dict(_base_.davis2017, ann_file='ImageSets/2017/train.txt', pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=20, num_workers=8, dataset=dict(_delete_=True, type='RepeatDataset', times=20, dataset=davis)
)
custom_hooks = [dict(type='CurriculumHook', begins=(6, 18, 42))]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=0))
auto_scale_lr = dict(enable=False, base_batch_size=20)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=84, val_interval=84)
default_hooks = dict(checkpoint=dict(interval=42))
# the first convolution and the head take the weights of 6 instances; see CueResNet and InstanceMapHead
# made by training main_r50_ytvos2018_256x416_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018_256x416_stage2/epoch_84.pth'
