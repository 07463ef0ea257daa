# Attention where the past is needed (see the config that it goes on from); its twin is that config, trained on as long.
_base_ = './sta-masktrack-rcnn_mini_synthvis.py'
data_root = 'data/synthvis_disturbed/'
model = dict(near_references=1)
train_dataloader = dict(
    dataset=dict(
        data_root=data_root, pipeline=[dict(type='SampleNearAndFar', num_near=1, frame_range=3), *_base_.train_pipeline[1:]]
    )
)
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'valid.json')
test_evaluator = val_evaluator
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=60, val_interval=60)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [dict(type='CosineAnnealingLR', T_max=60, by_epoch=False, eta_min=1e-5)]
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(by_epoch=False, interval=60),
    load_check=dict(ignore=[r'detector\.neck\.attentions\..*']),  # begins here
)
log_processor = dict(by_epoch=False)
# python tools/train.py configs/masktrack_rcnn/masktrack-rcnn-disturbed_mini_synthvis.py
load_from = 'work_dirs/masktrack-rcnn-disturbed_mini_synthvis/epoch_4.pth'
