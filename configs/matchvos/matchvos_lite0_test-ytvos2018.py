_base_ = ['./matchvos_lite0.py', '../_base_/datasets/ytvos2018.py']
