# The model alone, for the inferencer and the demos; its weights lie beside this file.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/matchvos_lite0.py']
weights = 'configs/agame/agame_match_lite0.pth'
