# Adam as RVOS and RSIS train: decoder and skips 1e-3, backbone 1e-6, constant; all batch norms train
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.999), weight_decay=1e-6),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=1e-3)}),
)
randomness = dict(seed=123)
