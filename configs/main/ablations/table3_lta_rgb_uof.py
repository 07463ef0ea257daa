"""Table 3: long-term attention, RGB + unit flow: stage 2 as it is."""

_base_ = 'stage2_train66.py'
