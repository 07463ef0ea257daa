"""Table row RVOS-Mask-ST+: after the first frame the slots are told what the network inferred itself."""

_base_ = 'rvos-mask-st_r101_ytvos2018-train80_256x448_20e.py'

model = dict(inferred_mask_prob=1.0)
# made by training rvos-mask-st_r101_ytvos2018-train80_256x448_20e.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/rvos-mask-st_r101_ytvos2018-train80_256x448_20e/epoch_20.pth'
