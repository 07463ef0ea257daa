# Ablation (Table 1): posteriors instead of log scores go to the fusion.
_base_ = './agame_r101_main_stage1.py'

model = dict(appearance=dict(output='posterior'))
