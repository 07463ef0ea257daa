"""Table 2: Dice, neither weighted nor with the overlap penalty."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(loss_mask=dict(then=dict(use_alpha=False, overlap_weight=0.0)))
