"""The zero-shot model on DAVIS 2017 by the paper's protocol: slots are chosen by the first annotation, then scored as
in the semi-supervised task."""

_base_ = 'rvos-mask-st-plus_r101_ytvos2018-davis2017_240x427_20e.py'

model = dict(mask_pyramid=None, prompted=True, test_cfg=dict(num_slots=10))
train_cfg = dict(max_epochs=10)
# made by training rvos-st_r101_ytvos2018_256x448_50e.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rvos-st_r101_ytvos2018_256x448_50e/epoch_50.pth'
