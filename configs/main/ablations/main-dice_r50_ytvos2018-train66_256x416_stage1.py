"""Table 2: Dice, neither weighted nor with the overlap penalty."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(loss_mask=dict(then=dict(use_alpha=False, overlap_weight=0.0)))
