# Test as the released code does: the state is renewed from the pooled masks after aggregation.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/agame_r101.py', '../_base_/datasets/ytvos2018.py']

model = dict(test_cfg=dict(update_mask='aggregated'))
