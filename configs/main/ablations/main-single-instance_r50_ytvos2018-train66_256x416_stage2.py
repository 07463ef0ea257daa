"""Table 5: one instance per pass."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(num_slots=1)
# made by training main-single-instance_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-single-instance_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
