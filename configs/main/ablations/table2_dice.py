"""Table 2: Dice, neither weighted nor with the overlap penalty."""

_base_ = 'stage3_train66.py'

model = dict(loss_mask=dict(then=dict(use_alpha=False, overlap_weight=0.0)))
