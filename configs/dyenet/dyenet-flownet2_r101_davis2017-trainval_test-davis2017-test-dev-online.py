# DAVIS 2017 test-dev with the paper's flow, fine-tuned on its first frames (Tables 3, 4: the published system).
_base_ = ['./dyenet-flownet2_r101_davis2017-trainval.py', '../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
