"""The final stage with the paper's own cues, trained on the boxes of the tracker that it is tested with.

    python tools/dataset_converters/cache_box_tracks.py configs/trackers/dasiamrpn_big_main.py \\
        --frames data/YouTubeVOS2018/train/JPEGImages --masks data/YouTubeVOS2018/train/Annotations \\
        --out data/YouTubeVOS2018/train/tracks/dasiamrpn_big_main
"""

_base_ = ['main_r50_ytvos2018_256x416_stage2.py', '../flow/flownet2_full.py', '../trackers/dasiamrpn_big_main.py']

boxes = 'data/YouTubeVOS2018/train/tracks/dasiamrpn_big_main'
model = dict(flow_estimator=dict(_base_.flow, _delete_=True), tracker=dict(_base_.tracker, _delete_=True))
train_pipeline = [
    dict(step, root=boxes) if step['type'] == 'LoadBoxTracks' else step
    for step in _base_.train_pipeline
    if step['type'] != 'EstimateFlow'
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# made by training main-published-cues_r50_ytvos2018_256x416_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main-published-cues_r50_ytvos2018_256x416_stage1/iter_100000.pth'
