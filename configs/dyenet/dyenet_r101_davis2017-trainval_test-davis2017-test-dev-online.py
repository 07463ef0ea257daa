# DAVIS 2017 test-dev, fine-tuned on its first frames (Tables 3, 4: the full system).
_base_ = ['./dyenet_r101_davis2017-trainval.py', '../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
