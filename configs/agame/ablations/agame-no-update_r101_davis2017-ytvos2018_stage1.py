# Ablation (Table 1): the Gaussians of the first frame are kept.
_base_ = '../agame_r101_davis2017-ytvos2018_stage1.py'

model = dict(appearance=dict(update_rate=0.0))
