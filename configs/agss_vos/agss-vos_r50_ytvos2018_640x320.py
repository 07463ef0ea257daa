# Main recipe, that of the released code: YouTube-VOS 2018, 5 epochs, one clip on one GPU. The paper's: agss-vos-paper_*.
# The original starts from RGMP's weights: --cfg-options load_from=checkpoints/rgmp.pth (converted); without, from
# ImageNet.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/agss-vos_r50.py', '../_base_/datasets/ytvos2018.py']
rule = dict(type='ShrinkToMultiple', divisor=64, half=True)  # 1280x720 -> 640x320
model = dict(drop_vanished=True, test_cfg=dict(resize=rule))

train_pipeline = [
    dict(type='SampleClip', clip_len=8, min_len=2, reverse_prob=0.5, reference='random'),
    dict(type='LoadClip'),
    dict(type='ResizeClipByRule', rule=rule),
    dict(type='SelectObjects'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
# an epoch has an item for every set of objects that are visible together in a video
train_dataloader = dict(batch_size=1, dataset=dict(split_objects=True, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(all_frames=True))

# weights of RGMP lack the attention generator and an instance encoder; their auxiliary predictions are not needed
new = [r'attention\..*', r'instance_encoder\..*', r'decoder\.predict[345]\..*', r'flow\..*']
default_hooks = dict(load_check=dict(ignore=new))
max_epochs = 5
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999), weight_decay=4e-5),
    paramwise_cfg=dict(
        custom_keys={  # layers that RGMP does not bring
            'attention': dict(lr_mult=10),
            'decoder.refine2': dict(lr_mult=10),
            'decoder.predict2': dict(lr_mult=10),
        }
    ),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True)
randomness = dict(seed=20170624)
