# Linking that lets re-identification correct drift: where two tracklets of an object differ, the one that looks more like the
# object stays. Weights of dyenet_r101_davis2017.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(test_cfg=dict(link=dict(on_conflict='confidence')))
