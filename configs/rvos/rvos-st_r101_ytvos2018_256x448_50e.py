"""RVOS zero-shot: slots without prompts; tested by the paper's protocol, which gives every object of an annotation the
slot that shows it best in that frame."""

_base_ = 'rvos-mask-st_r101_ytvos2018_256x448_20e.py'

model = dict(mask_pyramid=None, prompted=True)
train_cfg = dict(max_epochs=50)
