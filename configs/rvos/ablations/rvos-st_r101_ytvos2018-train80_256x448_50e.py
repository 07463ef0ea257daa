"""Table row RVOS-ST, zero-shot: slots without prompts, tested by the paper's protocol."""

_base_ = 'rvos-mask-st_r101_ytvos2018-train80_256x448_20e.py'

model = dict(mask_pyramid=None, prompted=True)
train_cfg = dict(max_epochs=50)
