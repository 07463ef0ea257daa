"""Table row RVOS-Mask-S: no recurrence over time."""

_base_ = 'rvos-mask-st_r101_ytvos2018-train80_256x448_20e.py'

model = dict(temporal_recurrence=False)
