# RecallVOS on DAVIS 2016 train and on SynthVOS clips, in turn. Made for one core of a CPU.
#
#   data/recall-vos_lite0_start.pth   keys as principal components: tools/model_converters/recall_vos_start.py
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/recall-vos_lite0.py']

max_iters = 900
load_from = 'data/recall-vos_lite0_start.pth'

train_dataloader = dict(batch_sampler=dict(batch_size=2))
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(
    optimizer=dict(lr=1.5e-3),
    paramwise_cfg=dict(
        _delete_=True,
        custom_keys={  # what begins as principal components
            name: dict(lr_mult=0.3) for name in ('neck.fine_key', 'neck.key', 'neck.target')
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', T_max=max_iters - 40, eta_min=2e-5, by_epoch=False, begin=40, end=max_iters),
]
