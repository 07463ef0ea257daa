# Ablation: symmetric co-attention (eq. 4), P kept orthogonal by a penalty.
_base_ = ['../cosnet_r101_davis2016-saliency.py']

model = dict(co_attention=dict(form='symmetric'), orthogonal_weight=1e-4)
