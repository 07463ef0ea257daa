"""Not in the paper: objects are matched to any of the ten slots, not to the first n."""

_base_ = '../rvos-st_r101_ytvos2018_256x448_50e.py'

model = dict(assigner=dict(match_first_n=False), train_all_slots=True)
