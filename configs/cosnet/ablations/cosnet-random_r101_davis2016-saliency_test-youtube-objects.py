# Ablation of the paper's system: global random references.
_base_ = '../cosnet-paper_r101_davis2016-saliency_test-youtube-objects.py'

model = dict(test_cfg=dict(references=dict(type='RandomReferences', num=5)))
