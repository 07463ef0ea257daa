# The released test with the dense CRF (pip install pydensecrf2); spatial std 15 and weight 9 are the middle of the
# original's grid (10, 15, 20) x (8, 9, 10).
_base_ = ['./cosnet-released_r101_davis2016-saliency.py']

model = dict(test_cfg=dict(post_process=dict(type='DenseCRF', spatial_std=15, bilateral_weight=9)))
