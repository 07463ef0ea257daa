# Your own videos: --data-root FOLDER.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/folder.py', '../_base_/models/matchvos_lite0.py']
