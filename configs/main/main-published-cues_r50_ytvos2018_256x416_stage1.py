"""The first stage with the paper's own cues, FlowNet 2.0 and DaSiamRPN ("AlexNet-Big"), whose weights the user converts.

Flow is estimated by the model, on its device, in training too; boxes are the true ones, as always in this stage.
"""

_base_ = ['main_r50_ytvos2018_256x416_stage1.py', '../flow/flownet2_full.py', '../trackers/dasiamrpn_big_main.py']

model = dict(flow_estimator=dict(_base_.flow, _delete_=True), tracker=dict(_base_.tracker, _delete_=True))
train_pipeline = [step for step in _base_.train_pipeline if step['type'] != 'EstimateFlow']
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
