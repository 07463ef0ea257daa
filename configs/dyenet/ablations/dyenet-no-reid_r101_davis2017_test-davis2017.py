# Re-MP alone (Table 1): the given masks are propagated, nothing is looked for. Weights of dyenet_r101_davis2017.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(test_cfg=dict(use_reid=False))
