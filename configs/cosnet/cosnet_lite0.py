# The model alone, for the inferencer and the demos.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/cosnet_lite0.py']
weights = 'cosnet_lite0'
