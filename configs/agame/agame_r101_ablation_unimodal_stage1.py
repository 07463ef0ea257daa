# Ablation (Table 1): one Gaussian for the object and one for the background.
_base_ = './agame_r101_main_stage1.py'

model = dict(appearance=dict(hard_components=False), fusion=dict(in_channels=2 + 512))
