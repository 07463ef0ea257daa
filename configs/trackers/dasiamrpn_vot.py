"""DaSiamRPN, the smaller network with the release's settings for VOT (``SiamRPNVOT``)."""

tracker = dict(
    type='DaSiamRPN',
    network=dict(type='SiamRPN', widths=(96, 256, 384, 384, 256), feature_channels=256, num_anchors=5),
    checkpoint='checkpoints/dasiamrpn_vot.pth',  # converted from SiamRPNVOT.model
    lr=0.45,
    window_influence=0.44,
    penalty_k=0.04,
    instance_size=271,
    small_instance_size=None,
)
