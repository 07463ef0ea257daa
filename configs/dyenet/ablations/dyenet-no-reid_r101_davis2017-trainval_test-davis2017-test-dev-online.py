# Table 3: Re-MP alone, fine-tuned on test-dev. Weights of dyenet_r101_davis2017-trainval.
_base_ = ['../dyenet_r101_davis2017-trainval.py', '../../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
model = dict(test_cfg=dict(use_reid=False))
