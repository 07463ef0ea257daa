"""MAIN for DAVIS 2017 with the paper's own cues; boxes are made as for the final stage, from data/DAVIS."""

_base_ = ['main_r50_ytvos2018-davis2017_256x416.py', '../flow/flownet2_full.py', '../trackers/dasiamrpn_big_main.py']

boxes = 'data/DAVIS/tracks/dasiamrpn_big_main'
model = dict(flow_estimator=dict(_base_.flow, _delete_=True), tracker=dict(_base_.tracker, _delete_=True))
train_pipeline = [
    dict(step, root=boxes) if step['type'] == 'LoadBoxTracks' else step
    for step in _base_.train_pipeline
    if step['type'] != 'EstimateFlow'
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
# made by training main-published-cues_r50_ytvos2018_256x416_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-published-cues_r50_ytvos2018_256x416_stage2/epoch_84.pth'
