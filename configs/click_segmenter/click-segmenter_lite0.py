# The model alone, for the annotation page and for prompts that are clicks or boxes.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/click-segmenter_lite0.py']
weights = 'click-segmenter_lite0'
