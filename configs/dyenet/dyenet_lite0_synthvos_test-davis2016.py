# The small network with the weights that come with MMVOS.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2016.py', '../_base_/models/dyenet_lite0.py']
test_evaluator = dict(temporal='none')
