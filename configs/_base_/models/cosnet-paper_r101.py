# The system of the paper's tables: symmetric co-attention (eq. 4), a dense CRF over the result (pip install pydensecrf2).
# Spatial std 15 and weight 9 are the middle of the grid that the authors' script searches: (10, 15, 20) x (8, 9, 10).
_base_ = './cosnet_r101.py'
model = dict(
    co_attention=dict(form='symmetric'),
    orthogonal_weight=1e-4,
    test_cfg=dict(post_process=dict(type='DenseCRF', spatial_std=15, bilateral_weight=9)),
)
