# The model alone, for the inferencer.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/dyenet_lite0.py']
model = dict(backbone=dict(frozen_stages=2))  # it was trained from stride 8 on
weights = 'dyenet_lite0'
