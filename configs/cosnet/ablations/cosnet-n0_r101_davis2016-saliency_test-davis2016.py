# Ablation: no references (N = 0): every frame by itself, the static head.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(test_cfg=dict(references=None))
