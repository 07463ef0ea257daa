# The model alone, for the annotation page and for prompts that are clicks or boxes; its weights lie beside this file.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/click-segmenter_lite0.py']
weights = 'configs/click_segmenter/click-segmenter_lite0.pth'
