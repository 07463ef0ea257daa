# The model alone, for the inferencer.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/matchvos_lite0.py', '../_base_/online/matchvos_lite0.py']
weights = 'matchvos_lite0'
