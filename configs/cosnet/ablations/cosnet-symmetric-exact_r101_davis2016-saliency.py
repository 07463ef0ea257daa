# Ablation: symmetric co-attention (eq. 4), P orthogonal by construction.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(co_attention=dict(form='symmetric', orthogonal='exact'))
