_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/davis2017.py', '../_base_/models/matchvos_lite0.py']
