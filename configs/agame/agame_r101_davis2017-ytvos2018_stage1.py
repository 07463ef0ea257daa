# Stage 1 of the authors' run file "main": every video of both sets once per epoch, frames of half size.
_base_ = [
    '../_base_/models/agame_r101.py',
    '../_base_/datasets/davis2017_ytvos2018_held_out.py',
    '../_base_/default_runtime.py',
]
clip_len, size = 8, (240, 432)  # frames; height, width
# as in training, the coarse mask renews the state in validation and test (the paper); the configs *_test-* have the released
# code's rules
model = dict(test_cfg=dict(update_mask='coarse'))

davis_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, start='object', min_object_pixels=100),
    dict(type='LoadClip'),
    dict(type='ResizeClip', size=size, backend='pillow'),
    dict(type='SelectObjects', max_objects=1, min_pixels=25),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
# the smallest object has other numbers of pixels in the two data sets
ytvos_pipeline = [dict(step, min_pixels=10) if 'min_pixels' in step else step for step in davis_pipeline]
davis = dict(_base_.davis, min_labelled=clip_len, pipeline=davis_pipeline)
ytvos = dict(_base_.ytvos, min_labelled=clip_len, pipeline=ytvos_pipeline, frame_size=(720, 1280), exclude=_base_.held_out)
train_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, type='ConcatDataset', datasets=[davis, ytvos]))

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=160, val_interval=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.999), weight_decay=1e-5))
param_scheduler = dict(type='ExponentialLR', gamma=0.975, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
