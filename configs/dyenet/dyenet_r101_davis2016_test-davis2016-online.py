# DAVIS 2016, fine-tuned on the first frames of the test videos (Table 5, "D").
_base_ = ['./dyenet_r101_davis2016.py', '../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
