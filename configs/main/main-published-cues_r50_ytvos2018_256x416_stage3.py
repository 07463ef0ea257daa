"""The final model with the paper's own cues: FlowNet 2.0 and DaSiamRPN ("AlexNet-Big"), both converted by the user."""

_base_ = ['main_r50_ytvos2018_256x416_stage3.py']

flow = dict(type='FlowNet2', variant='2', init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownet2.pth'))
model = dict(
    flow_estimator=dict(_delete_=True, **flow),
    tracker=dict(
        _delete_=True,
        type='DaSiamRPN',
        network=dict(type='SiamRPN', widths=(192, 512, 768, 768, 512), feature_channels=512, num_anchors=5),
        checkpoint='checkpoints/dasiamrpn_big.pth',
        lr=0.395,  # "template learning rate"
        window_influence=0.42,
        penalty_k=0.055,  # "displacement penalty"
        instance_size=271,
        small_instance_size=287,
    ),
)
