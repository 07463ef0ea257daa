# Table 4, row 4: without optical flow; the previous masks are used where they were.
_base_ = '../agss-vos_r50_ytvos2018_640x320.py'
model = dict(use_flow=False)
