# RVOS zero-shot with small layers on a frozen EfficientNet-Lite0. One slot: further ones find the same object again, since half
# of the training clips show one object.
_base_ = './rvos-mask-st_lite0.py'
model = dict(mask_pyramid=None, test_cfg=dict(num_slots=1))
