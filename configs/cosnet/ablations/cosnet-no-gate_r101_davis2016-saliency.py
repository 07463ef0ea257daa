# Ablation: co-attention without the gate (eqs. 8, 9).
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(co_attention=dict(gate=False))
