_base_ = ['./rvos-mask-st_lite0.py', '../_base_/datasets/davis2016.py']
