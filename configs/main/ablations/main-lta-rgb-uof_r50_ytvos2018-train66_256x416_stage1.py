"""Table 3: long-term attention, RGB + unit flow."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'
