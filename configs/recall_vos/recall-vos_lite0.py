# The model alone, for the inferencer and the demos; its weights lie beside this file.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/recall-vos_lite0.py']
weights = 'configs/recall_vos/recall-vos_lite0.pth'
