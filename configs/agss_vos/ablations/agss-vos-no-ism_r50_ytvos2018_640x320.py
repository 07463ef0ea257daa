# Table 4, row 1: without the instance-specific module; shared features are multiplied by the carried masks.
_base_ = '../agss-vos_r50_ytvos2018_640x320.py'
model = dict(use_ism=False)
