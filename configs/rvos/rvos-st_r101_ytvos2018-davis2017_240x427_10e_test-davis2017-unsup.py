"""The fine-tuned zero-shot model by the protocol of the unsupervised benchmark: twenty slots, nothing is chosen."""

_base_ = ['../_base_/models/rvos_r101.py', '../_base_/datasets/davis2017_unsup.py', '../_base_/default_runtime.py']

model = dict(
    valid='frame', test_cfg=dict(resize=dict(type='FixedSize', height=240, width=427), num_slots=20, upsample='labels')
)
