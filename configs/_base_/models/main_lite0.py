# MAIN with a small decoder on an EfficientNet-Lite0 that is trained with it; DIS flow, FlowColour tracker.
_base_ = './main_r50.py'
D = 32
model = dict(
    num_slots=3,
    data_preprocessor=dict(
        type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), rgb=True, channels_last=True
    ),
    backbone=dict(_delete_=True, type='CueEfficientNetLite', arch='lite0', norm_eval=True, pretrained=True),
    neck=dict(in_channels=(16, 24, 40, 112, 320), channels=D, norm_cfg=dict(type='BN')),
    head=dict(in_channels=D),
    # WID alone pushes all maps to 0 at first; cross entropy stays beside it
    loss_mask=[dict(type='WIDLoss'), dict(type='InstanceBCELoss')],
    log_slots=False,
)
