# Learns in a minute on a CPU, from clips that are made on the fly. `mmvos::` names a config of MMVOS.
_base_ = ['mmvos::_base_/default_runtime.py', 'mmvos::_base_/datasets/synthvos_mini.py']
custom_imports = dict(imports=['my_method.my_method'], allow_failed_imports=False)

model = dict(
    type='MyMethod',
    data_preprocessor=dict(type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    backbone=dict(
        type='EfficientNetLite', arch='lite0', out_indices=(2, 3, 5), frozen_stages=5, norm_eval=True, pretrained=True
    ),
    in_channels=(24, 40, 112),
    test_cfg=dict(pad=dict(type='PadToMultiple', divisor=16, mode='reflect', front='ceil')),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [dict(type='CosineAnnealingLR', T_max=200, by_epoch=False)]
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=200), logger=dict(interval=20))
