_base_ = ['./main_lite0.py', '../_base_/datasets/davis2016.py']
