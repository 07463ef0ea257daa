"""Table 3: long-term attention, RGB + unit flow: stage 2 as it is."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'
