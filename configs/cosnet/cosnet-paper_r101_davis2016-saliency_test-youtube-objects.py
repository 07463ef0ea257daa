# The system of the paper's tables, trained on DAVIS 2016 and still images, tested on YouTube-Objects.
_base_ = ['../_base_/models/cosnet-paper_r101.py', '../_base_/datasets/youtube_objects.py', '../_base_/default_runtime.py']

# labels are smaller than frames: the metric resizes scores
model = dict(test_cfg=dict(keep_scores=True))
