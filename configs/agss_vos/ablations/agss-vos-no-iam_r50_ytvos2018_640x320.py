# Table 4, row 2: without the instance-agnostic module; the instance features are decoded directly.
_base_ = '../agss-vos_r50_ytvos2018_640x320.py'
model = dict(use_iam=False)
