# The system of the paper's tables, trained on DAVIS 2016 and still images, tested on FBMS-59.
_base_ = ['../_base_/models/cosnet-paper_r101.py', '../_base_/datasets/fbms.py', '../_base_/default_runtime.py']
