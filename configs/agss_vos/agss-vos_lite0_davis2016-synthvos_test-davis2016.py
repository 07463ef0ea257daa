_base_ = ['./agss-vos_lite0.py', '../_base_/datasets/davis2016.py']
