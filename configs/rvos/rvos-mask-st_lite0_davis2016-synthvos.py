# RVOS one-shot (RVOS-Mask-ST, then ST+) with small layers on a frozen EfficientNet-Lite0, on DAVIS 2016 train and SynthVOS
# clips in turn. Made for one core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/rvos-mask-st_lite0.py']

train_dataloader = dict(batch_sampler=dict(batch_size=2))
# true masks first, then more and more the inferred ones
custom_hooks = [
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.01, gamma=100),
    dict(type='CurriculumHook', by_epoch=False, model={'inferred_mask_prob': dict(begin=150, end=400, values=(0.0, 1.0))}),
]
