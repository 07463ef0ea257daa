"""RVOS one-shot in one run: the ground-truth masks are handed over to inferred ones between epochs 15 and 25."""

_base_ = 'rvos-mask-st_r101_ytvos2018_256x448_20e.py'

custom_hooks = [dict(type='CurriculumHook', model={'inferred_mask_prob': dict(begin=15, end=25, values=(0.0, 1.0))})]
train_cfg = dict(max_epochs=40)
