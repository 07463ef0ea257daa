# Not in the paper's tables: P is orthogonal by construction, not by a penalty.
_base_ = '../cosnet-paper_r101_davis2016-saliency.py'

model = dict(co_attention=dict(orthogonal='exact'))
