# Ablation of the paper's system: vanilla co-attention (eq. 3).
_base_ = '../cosnet-paper_r101_davis2016-saliency_test-youtube-objects.py'

model = dict(co_attention=dict(form='vanilla'))
