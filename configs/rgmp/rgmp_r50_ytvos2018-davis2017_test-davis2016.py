# Test on DAVIS 2016: one object.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/rgmp_r50.py', '../_base_/datasets/davis2016.py']
