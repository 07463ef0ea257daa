"""The mini model's training stage 3: short-term attention joins, its input weights copied from the long-term one's."""

_base_ = 'main_mini_synthvos.py'

optim_wrapper = dict(optimizer=dict(lr=5e-4))
# made by training main_mini_synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_mini_synthvos_stage2/iter_200.pth'
