"""RVOS zero-shot (RVOS-ST), small enough to learn on a CPU in about a minute; scored by the unsupervised protocol."""

_base_ = 'rvos-mask-st_mini_synthvos.py'

model = dict(mask_pyramid=None, test_cfg=dict(num_slots=5))
custom_hooks = []
# a slot is an object here: no late objects, and all slots count on all frames
val_dataloader = dict(dataset=dict(late_videos=0))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='DAVISMetric', protocol='davis2017-unsup')
test_evaluator = val_evaluator
submission = dict(_delete_=True, type='DAVISSubmission')
