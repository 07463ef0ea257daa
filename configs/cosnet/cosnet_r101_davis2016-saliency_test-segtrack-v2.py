# COSNet, trained on DAVIS 2016 and still images, tested on SegTrack v2.
_base_ = ['../_base_/models/cosnet_r101.py', '../_base_/datasets/segtrack_v2.py', '../_base_/default_runtime.py']
