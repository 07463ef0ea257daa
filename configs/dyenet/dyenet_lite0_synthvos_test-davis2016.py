# The small network with the weights that come with MMVOS.
_base_ = ['./dyenet_lite0.py', '../_base_/datasets/davis2016.py']
test_evaluator = dict(temporal='none')
