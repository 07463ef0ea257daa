# The model alone, for the inferencer and the demos.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/main_lite0.py']
weights = 'main_lite0'
