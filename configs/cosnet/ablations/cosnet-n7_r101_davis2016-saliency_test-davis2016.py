# Ablation: N = 7 reference frames.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(test_cfg=dict(references=dict(num=7)))
