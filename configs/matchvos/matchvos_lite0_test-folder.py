# Your own videos: --data-root FOLDER.
_base_ = ['./matchvos_lite0.py', '../_base_/datasets/folder.py']
