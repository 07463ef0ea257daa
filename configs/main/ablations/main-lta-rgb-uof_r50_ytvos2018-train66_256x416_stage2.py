"""Table 3: long-term attention, RGB + unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(sta=None)
# made by training main-lta-rgb-uof_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-lta-rgb-uof_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
