_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2016.py', '../_base_/models/main_lite0.py']
