# Ablation: local consecutive references.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(test_cfg=dict(references=dict(type='LocalReferences', num=5)))
