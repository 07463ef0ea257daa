_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2016.py', '../_base_/models/cosnet_lite0.py']

test_dataloader = dict(dataset=dict(task='unsup'))
