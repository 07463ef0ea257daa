_base_ = ['./agame_lite0.py', '../_base_/datasets/davis2016.py']
