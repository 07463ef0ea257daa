"""Table 5: one instance per pass."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

num_slots = 1
model = dict(num_slots=num_slots)
