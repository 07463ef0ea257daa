"""DaSiamRPN with the rate of the size update that MAIN names ("template learning rate")."""

_base_ = 'dasiamrpn_big.py'
tracker = dict(lr=0.395)
