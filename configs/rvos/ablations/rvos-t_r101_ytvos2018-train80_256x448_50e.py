"""Table row RVOS-T, zero-shot: no recurrence over the slots."""

_base_ = 'rvos-st_r101_ytvos2018-train80_256x448_50e.py'

model = dict(spatial_recurrence=False)
