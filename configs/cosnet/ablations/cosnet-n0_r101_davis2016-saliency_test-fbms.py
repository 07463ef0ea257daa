# Ablation of the paper's system: no co-attention (N = 0): every frame by itself.
_base_ = '../cosnet-paper_r101_davis2016-saliency_test-fbms.py'

model = dict(test_cfg=dict(references=None))
