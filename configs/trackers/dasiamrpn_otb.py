"""DaSiamRPN, the smaller network with the release's settings for OTB (``SiamRPNOTB``)."""
_base_ = 'dasiamrpn_vot.py'
tracker = dict(lr=0.30, window_influence=0.40, penalty_k=0.22)
