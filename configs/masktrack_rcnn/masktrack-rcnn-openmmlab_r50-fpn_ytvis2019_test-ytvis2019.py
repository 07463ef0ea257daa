# For checkpoints trained with mmdet or mmtracking, whose embeddings end in a ReLU.
_base_ = './masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e.py'
model = dict(track_head=dict(embed_head=dict(final_relu=True)))
