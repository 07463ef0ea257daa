# The model alone, for the inferencer; its weights lie beside this file.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/dyenet_lite0.py']
weights = 'configs/dyenet/dyenet_lite0.pth'
