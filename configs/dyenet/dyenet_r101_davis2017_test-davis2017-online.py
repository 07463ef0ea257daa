# Fine-tuned on the first frames of the test videos.
_base_ = ['./dyenet_r101_davis2017.py', '../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
