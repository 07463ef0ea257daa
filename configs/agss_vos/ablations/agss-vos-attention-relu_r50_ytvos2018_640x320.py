# A ReLU on the attention, which the paper found worse than none (section 3.3; no figures there).
_base_ = '../agss-vos_r50_ytvos2018_640x320.py'
model = dict(attention=dict(activation='relu'))
