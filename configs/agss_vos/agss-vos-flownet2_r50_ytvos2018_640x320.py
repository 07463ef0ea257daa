# As the paper tells it: FlowNet2, trained together with the rest, 10 epochs. Convert the official flow weights first
# (see configs/flow/flownet2_full.py).
_base_ = './agss-vos_r50_ytvos2018_640x320.py'
model = dict(
    flow=dict(
        _delete_=True,
        type='FlowNet2',
        variant='2',
        frozen=False,
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownet2_full.pth'),
    )
)
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = dict(end=max_epochs)
