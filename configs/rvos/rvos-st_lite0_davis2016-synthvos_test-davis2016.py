# DAVIS 2016 without a prompt: one slot, the object that stands out.
_base_ = ['./rvos-st_lite0.py', '../_base_/datasets/davis2016.py']

test_dataloader = dict(dataset=dict(task='unsup'))
