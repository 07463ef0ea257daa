# Propagation with a target model on all levels of the backbone from stride 8 on. The target model keeps the labels from
# drifting, so that fewer frames have to be read.
_base_ = './feature-propagation_lite0.py'
model = dict(
    backbone=dict(out_indices=(3, 4, 5, 6, 7)),
    matching=dict(
        type='TargetLabelMatching',
        lags=(1, 2, 5),
        levels=(0, 2),
        target=dict(type='RidgeTarget', ridge=0.2, memory_share=0.05, memory_rate=0.2, interval=2),
        target_levels=(0, 1, 2, 3, 4),
        score_weight=1.0,
        background_bias=0.2,
        target_memory_update=0.5,
    ),
)
