# RVOS zero-shot (RVOS-ST) on the clips of its one-shot sibling: objects are found, not given. Made for one core of a CPU.
_base_ = ['../_base_/datasets/davis2016_synthvos.py', '../_base_/schedules/lite0.py', '../_base_/models/rvos-st_lite0.py']

train_dataloader = dict(batch_sampler=dict(batch_size=2))
