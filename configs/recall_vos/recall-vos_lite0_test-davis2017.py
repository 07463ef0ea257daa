_base_ = ['./recall-vos_lite0.py', '../_base_/datasets/davis2017.py']
