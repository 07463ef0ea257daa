# Table 4, row 3: without the normalisation of the probabilities.
_base_ = '../agss-vos_r50_ytvos2018_640x320.py'
model = dict(use_norm=False)
