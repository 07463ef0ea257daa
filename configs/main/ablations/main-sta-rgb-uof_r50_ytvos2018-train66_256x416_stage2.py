"""Table 3: short-term attention, RGB + unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(lta=None)
# made by training main-sta-rgb-uof_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-sta-rgb-uof_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
