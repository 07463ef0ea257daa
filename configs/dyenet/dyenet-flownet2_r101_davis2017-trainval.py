# DAVIS 2017 test-dev with the paper's flow, FlowNet 2.0, converted by the user: configs/flow.
_base_ = './dyenet_r101_davis2017-trainval.py'
model = dict(
    flow=dict(
        _delete_=True, type='FlowNet2', variant='2', init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownet2.pth')
    )
)
