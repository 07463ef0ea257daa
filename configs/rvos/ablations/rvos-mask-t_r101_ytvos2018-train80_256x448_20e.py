"""Table row RVOS-Mask-T: no recurrence over the slots, but on a clip's first frame as in the original."""

_base_ = 'rvos-mask-st_r101_ytvos2018-train80_256x448_20e.py'

model = dict(spatial_recurrence=False)
