# Linking that keeps the part of a tracklet around its start that contradicts nothing. Weights of dyenet_r101_davis2017.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(test_cfg=dict(link=dict(on_conflict='trim')))
