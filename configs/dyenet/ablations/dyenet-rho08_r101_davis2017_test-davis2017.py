# Threshold of Re-ID (Table 2). Weights of dyenet_r101_davis2017.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(test_cfg=dict(reid_thr=0.8))
