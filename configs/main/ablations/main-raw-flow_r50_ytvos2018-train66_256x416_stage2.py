"""Table 4: the flow field itself in place of the unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(flow_input=dict(_delete_=True, type='RawFlow'))
# made by training main-raw-flow_r50_ytvos2018-train66_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-raw-flow_r50_ytvos2018-train66_256x416_stage1/iter_100000.pth'
