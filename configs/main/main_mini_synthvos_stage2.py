"""The mini model's training stage 2: boxes of the tracker, the curriculum, still no short-term attention."""

_base_ = 'main_mini_synthvos.py'

model = dict(sta=None)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
# made by training main_mini_synthvos_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_mini_synthvos_stage1/iter_200.pth'
