"""Table 3: no attention, RGB. Slots mean nothing here, so they are not shuffled."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(lta=None, sta=None, flow_input=None, instance_shuffle=False)
# made by training main-none-rgb_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-none-rgb_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
