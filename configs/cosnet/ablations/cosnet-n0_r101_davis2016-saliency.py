# Ablation of the paper's system: no co-attention (N = 0), every frame by itself. Frames of DAVIS train the embedding and the
# static head as still images do; the co-attention and its heads are there, but no loss reaches them.
_base_ = '../cosnet-paper_r101_davis2016-saliency.py'

model = dict(test_cfg=dict(references=None))
video_pipeline = [dict(type='SampleClip', clip_len=1), *_base_.video_pipeline[1:]]
train_dataloader = dict(dataset=dict(streams=dict(video=dict(dataset=dict(pipeline=video_pipeline)))))
# the rates of the recipe for its heads; ten times, as the loss of single frames has the weight 0.1
custom_hooks = [
    dict(
        type='AlternatingLRHook',
        lr_mult=dict(
            still={'': 0.0, 'backbone': 1.0, 'neck': 1.0, 'static_head': 1.0},
            video={'': 0.0, 'backbone': 0.1, 'neck': 0.1, 'static_head': 100.0},
        ),
    )
]
