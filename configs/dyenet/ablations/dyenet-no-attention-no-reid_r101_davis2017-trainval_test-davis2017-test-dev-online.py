# Table 3: Re-MP alone, without region attention, fine-tuned on test-dev.
_base_ = ['./dyenet-no-attention_r101_davis2017-trainval.py', '../../_base_/schedules/dyenet_online.py']
test_cfg = dict(online_training=dict(stages=[dict(_base_.online_stage, mix_dataset=_base_.train_dataloader.dataset)]))
model = dict(test_cfg=dict(use_reid=False))
