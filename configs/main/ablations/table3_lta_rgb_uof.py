"""Table 3: long-term attention, RGB + unit flow: stage 2 as it is."""
_base_ = ['../main_r50_stage2_ytvos2018_256x416.py', 'train66.py']
