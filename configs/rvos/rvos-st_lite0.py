# The zero-shot model alone, for the inferencer and the demos.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/rvos-st_lite0.py']
weights = 'rvos-st_lite0'
