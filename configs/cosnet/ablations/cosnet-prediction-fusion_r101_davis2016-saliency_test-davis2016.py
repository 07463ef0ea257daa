# Ablation: predictions are averaged instead of summaries.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(combine='prediction')
