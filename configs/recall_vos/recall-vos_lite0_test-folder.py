_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/folder.py', '../_base_/models/recall-vos_lite0.py']
