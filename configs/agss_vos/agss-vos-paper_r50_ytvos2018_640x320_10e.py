# As the paper tells it, where the released code (agss-vos_r50_ytvos2018_640x320.py) differs: FlowNet2 is trained together with
# the rest, the instance-specific features have an encoder of two residual blocks, clips of eight frames follow their
# reference frame, one rate serves all layers, labels are the arg max of equation 6, 10 epochs.
# Convert the official flow weights first, see configs/flow/flownet2_full.py.
_base_ = './agss-vos_r50_ytvos2018_640x320.py'
model = dict(
    flow=dict(
        _delete_=True,
        type='FlowNet2',
        variant='2',
        frozen=False,
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownet2_full.pth'),
    ),
    instance_encoder=dict(
        type='MaskedResNet',
        depth=50,
        blocks=(2,),
        num_stages=1,
        strides=(1,),
        dilations=(1,),
        out_indices=(0,),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    first_predicted=1,
    label_rule='argmax',
)

train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='ResizeClipByRule', rule=_base_.rule),
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))
param_scheduler = dict(end=max_epochs)
