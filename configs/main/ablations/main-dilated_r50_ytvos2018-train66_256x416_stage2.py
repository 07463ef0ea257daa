"""Table 1: dilated only."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(neck=dict(separable=False))
# made by training main-dilated_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-dilated_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
