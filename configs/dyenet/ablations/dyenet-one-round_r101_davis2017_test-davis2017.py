# Re-ID looks once (Table 2, first round). Weights of dyenet_r101_davis2017.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(test_cfg=dict(max_rounds=1))
