"""RVOS-Mask-T as the paper's text has it: no recurrence over the slots, on no frame."""

_base_ = 'rvos-mask-t_r101_ytvos2018-train80_256x448_20e.py'

model = dict(spatial_on_first_frame=False)
