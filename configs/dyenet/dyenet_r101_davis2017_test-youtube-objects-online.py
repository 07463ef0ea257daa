# YouTube-Objects, fine-tuned on its first frames (Table 5, "D").
_base_ = ['./dyenet_r101_davis2017_test-youtube-objects.py', '../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
