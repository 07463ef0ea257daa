"""MAIN for DAVIS 2017: widened from N = 6 to N = 10 instances, fine-tuned on its 60 training videos."""
_base_ = 'main_r50_stage3_ytvos2018_256x416.py'

size = (256, 416)
num_slots = 10
model = dict(num_slots=num_slots)
data_root = 'data/DAVIS/'
train_pipeline = [
    dict(type='SampleNeighbourhood', max_frames=2, skip_first=True),
    dict(type='LoadClip'),
    dict(type='LoadBoxTracks', root=f'{data_root}tracks/flow_colour'),
    dict(type='ResizeCropFlip', size=size, scale=(1.0, 1.5), flip_prob=0.5),
    dict(type='PackVOSInputs', extra_keys=('track_boxes', )),
]
