# AGSS-VOS on an EfficientNet-Lite0, first stage, on DAVIS 2016 train and SynthVOS clips in turn. Made for one core of a CPU.
_base_ = [
    '../_base_/datasets/davis2016_synthvos_reference.py',
    '../_base_/schedules/lite0.py',
    '../_base_/models/agss-vos_lite0.py',
]

# the overlap loss is flat where nothing is found: at 1e-3 the model falls into it and stays
optim_wrapper = dict(optimizer=dict(lr=2e-4))
