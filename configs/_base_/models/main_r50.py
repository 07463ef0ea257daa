# MAIN as published, for one set of cues: RGB + unit optical flow + long-term and short-term attention.
# Flow and tracker are the defaults that need no weights; the configs main-published-cues_* have the paper's.
num_slots = 6  # N
cue_flow = dict(type='DISFlow', preset='medium')
decoder_channels = 128  # D, not given in the paper
model = dict(
    type='MAIN',
    num_slots=num_slots,
    backbone=dict(
        type='CueResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(
        type='SeparablePyramid',
        in_channels=(64, 256, 512, 1024, 2048),
        channels=decoder_channels,
        separable=True,
        dilations=(1, 2, 3),
    ),
    head=dict(type='InstanceMapHead', in_channels=decoder_channels, prior=0.1),
    # iters=0 is the paper to the letter; see the README for why cross entropy comes first
    loss_mask=dict(type='StagedLoss', first=dict(type='InstanceBCELoss'), then=dict(type='WIDLoss'), iters=1000),
    flow_estimator=cue_flow,
    flow_input=dict(type='UnitFlow', magnitude='max'),
    lta=dict(type='LongTermAttention', on_lost='keep'),
    sta=dict(type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    tracker=dict(type='FlowColourTracker', flow=cue_flow, rows=256),
    instance_shuffle=True,
    test_cfg=dict(resize=dict(type='FixedSize', height=256, width=416)),
)
