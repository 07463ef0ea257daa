# Ablation of the paper's system: predictions are averaged instead of summaries.
_base_ = '../cosnet-paper_r101_davis2016-saliency.py'

model = dict(combine='prediction')
