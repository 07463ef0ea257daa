# Ablation: N = 1 reference frame.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(test_cfg=dict(references=dict(num=1)))
