# Ablation of the paper's system: local consecutive references.
_base_ = '../cosnet-paper_r101_davis2016-saliency.py'

model = dict(test_cfg=dict(references=dict(type='LocalReferences', num=5)))
