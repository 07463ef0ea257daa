# For checkpoints trained with mmdet or mmtracking, whose embeddings end in a ReLU.
_base_ = './masktrack-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
model = dict(track_head=dict(embed_head=dict(final_relu=True)))
