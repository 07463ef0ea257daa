# Table 3: MSK, fine-tuned on test-dev. Its loss looks at the middle frame of a clip and at the mask of the frame before.
_base_ = ['./dyenet-msk_r101_davis2017-trainval.py', '../../_base_/schedules/dyenet_online.py']
clip_len = 3
test_cfg = dict(
    online_training=dict(
        stages=[
            dict(
                _base_.online_stage,
                clip_len=clip_len,
                synthesis=dict(type='FirstFrameSynthesis', clip_len=clip_len),
                pipeline=[
                    dict(type='SelectObjects', appear_in='any'),
                    dict(type='ResizeCropFlip', size=_base_.size, scale=(1.0, 1.2), flip_prob=0.5),
                    dict(type='PackVOSInputs'),
                ],
                mix_dataset=_base_.train_dataloader.dataset,
            )
        ]
    )
)
