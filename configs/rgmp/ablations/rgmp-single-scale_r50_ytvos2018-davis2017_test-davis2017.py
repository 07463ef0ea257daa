# One scale in place of three: about 2.2 times as fast in multiply-adds.
_base_ = '../rgmp_r50_ytvos2018-davis2017.py'
model = dict(scales=(1.0,))
