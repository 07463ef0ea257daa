# The model alone, for the inferencer and the demos.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/recall-vos_lite0.py', '../_base_/online/recall-vos_lite0.py']
model = dict(backbone=dict(frozen_stages=2))  # it was trained from stride 8 on
weights = 'recall-vos_lite0'
