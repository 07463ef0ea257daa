# The model alone, for the inferencer and the demos; the *_davis*.py and *_youtube_vos*.py configs add data.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/feature-propagation_lite0.py']
