# The model alone, for the inferencer.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/dyenet_lite0.py']
weights = 'dyenet_lite0'
