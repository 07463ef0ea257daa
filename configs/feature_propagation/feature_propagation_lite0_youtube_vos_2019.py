_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/youtube_vos_2019.py',
    '../_base_/models/feature_propagation_lite0.py',
]
