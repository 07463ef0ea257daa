# Ablation (Table 1): no mask-propagation module.
_base_ = '../agame_r101_davis2017-ytvos2018_stage1.py'

model = dict(mask_propagation=None, fusion=dict(in_channels=4))
