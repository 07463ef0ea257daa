# Ablation of the paper's system: N = 1 reference frame.
_base_ = '../cosnet-paper_r101_davis2016-saliency_test-youtube-objects.py'

model = dict(test_cfg=dict(references=dict(num=1)))
