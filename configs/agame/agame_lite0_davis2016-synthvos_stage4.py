# A-GAME on an EfficientNet-Lite0, fourth stage: the same once more with other clips and half the learning rate.
_base_ = './agame_lite0_davis2016-synthvos_stage3.py'

train_dataloader = dict(sampler=dict(seed=3), dataset=dict(streams=dict(synthvos=dict(seed=3))))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
randomness = dict(seed=3)
# made by training agame_lite0_davis2016-synthvos_stage3.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_lite0_davis2016-synthvos_stage3/iter_600.pth'
