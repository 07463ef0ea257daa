_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/ytvos2018.py', '../_base_/models/feature-propagation_lite0.py']
