"""Table 5: one instance per pass."""

_base_ = 'stage3_train66.py'

num_slots = 1
model = dict(num_slots=num_slots)
