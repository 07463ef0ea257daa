"""DaSiamRPN with the settings of the release's VOT-2018 entry (``SiamRPNBIG``)."""

tracker = dict(
    type='DaSiamRPN',
    network=dict(type='SiamRPN', widths=(192, 512, 768, 768, 512), feature_channels=512, num_anchors=5),
    checkpoint='checkpoints/dasiamrpn_big.pth',  # converted from SiamRPNBIG.model
    lr=0.295,
    window_influence=0.42,
    penalty_k=0.055,
    instance_size=271,
    small_instance_size=287,
)
