"""DaSiamRPN, the smaller network with the release's settings for OTB (``SiamRPNOTB``)."""

_base_ = 'dasiamrpn_vot.py'
tracker = dict(checkpoint='checkpoints/dasiamrpn_otb.pth', lr=0.30, window_influence=0.40, penalty_k=0.22)
