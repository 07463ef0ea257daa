# The recipe with the system of the paper's tables; tested on DAVIS 2016.
_base_ = './cosnet_r101_davis2016-saliency.py'

model = dict(
    co_attention=dict(form='symmetric', gate_bias=True),
    orthogonal_weight=1e-4,
    test_cfg=dict(post_process=dict(type='DenseCRF', spatial_std=15, bilateral_weight=9)),
)
