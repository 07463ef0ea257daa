# A-GAME on an EfficientNet-Lite0, fifth stage: the same once more with other clips.
_base_ = './agame_lite0_davis2016-synthvos_stage4.py'

train_dataloader = dict(sampler=dict(seed=4), dataset=dict(streams=dict(synthvos=dict(seed=4))))
randomness = dict(seed=4)
# made by training agame_lite0_davis2016-synthvos_stage4.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_lite0_davis2016-synthvos_stage4/iter_600.pth'
