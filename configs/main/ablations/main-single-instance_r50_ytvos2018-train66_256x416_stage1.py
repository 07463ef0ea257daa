"""Table 5: one instance per pass."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(num_slots=1)
