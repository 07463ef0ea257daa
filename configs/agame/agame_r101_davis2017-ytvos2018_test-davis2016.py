# Test as the released code does: the state is renewed from the pooled mask of the object.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/agame_r101.py', '../_base_/datasets/davis2016.py']

model = dict(test_cfg=dict(update_mask='fine'))
