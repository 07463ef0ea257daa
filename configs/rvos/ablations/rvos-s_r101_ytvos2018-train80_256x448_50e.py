"""Table row RVOS-S, zero-shot: trained on single frames, nothing is carried at test."""

_base_ = 'rvos-st_r101_ytvos2018-train80_256x448_50e.py'

clip_len = 1
model = dict(temporal_recurrence=False)
train_pipeline = [dict(type='SampleClip', clip_len=clip_len), *_base_.train_pipeline[1:]]
train_dataloader = dict(dataset=dict(min_labelled=clip_len, split_clips=clip_len, pipeline=train_pipeline))
