_base_ = ['./cosnet_lite0.py', '../_base_/datasets/davis2016.py']

test_dataloader = dict(dataset=dict(task='unsup'))
