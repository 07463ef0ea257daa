# Re-MP alone and without region attention (Table 1). Weights of dyenet-no-attention_r101_davis2017.
_base_ = './dyenet-no-attention_r101_davis2017.py'
model = dict(test_cfg=dict(use_reid=False))
