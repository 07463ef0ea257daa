# Not in the paper's tables: co-attention without the gate (eqs. 8, 9).
_base_ = '../cosnet-paper_r101_davis2016-saliency.py'

model = dict(co_attention=dict(gate=False))
