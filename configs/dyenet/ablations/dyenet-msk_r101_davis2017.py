# MSK, the baseline of Tables 1 and 3: the network sees the frame and the mask of the frame before, object by object (MaskTrack,
# "Learning Video Object Segmentation from Static Images", CVPR 2017, on a ResNet-101). The paper tells no more of its version.
# Made of MAIN's parts: one object per pass, the previous mask as a fourth channel, no flow, no tracker. Masks are shifted by up
# to 10 % and scaled by up to 5 % in training, as MaskTrack's.
_base_ = ['../../_base_/models/main_r50.py', '../../_base_/datasets/davis2017.py', '../../_base_/default_runtime.py']

size = (480, 864)
num_slots = 1
model = dict(
    num_slots=num_slots,
    backbone=dict(
        depth=101,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    neck=dict(separable=False, dilations=(1, 1, 1)),
    loss_mask=dict(_delete_=True, type='InstanceBCELoss'),
    flow_estimator=dict(_delete_=True, type='ZeroFlow'),
    flow_input=None,
    lta=None,
    tracker=None,
    sta=dict(kernel=(1, 11), scale=(0.95, 1.05), shift=0.1, neighbours=(-1,)),
    instance_shuffle=False,
    test_cfg=dict(resize=dict(height=size[0], width=size[1])),
)

train_pipeline = [
    dict(type='SampleNeighbourhood', skip_first=True),
    dict(type='LoadClip'),
    dict(type='SelectObjects', appear_in='any'),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.2), flip_prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=240, val_interval=240)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[160, 220], gamma=0.1, by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=4)
