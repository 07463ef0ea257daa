# Ablation of the paper's system: N = 2 reference frames.
_base_ = '../cosnet-paper_r101_davis2016-saliency_test-fbms.py'

model = dict(test_cfg=dict(references=dict(num=2)))
