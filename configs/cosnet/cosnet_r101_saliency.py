# First stage, before cosnet_r101_davis2016-saliency.py: the embedding and its static head on still images (MSRA10K, DUT-OMRON).
#   python tools/train.py configs/cosnet/cosnet_r101_davis2016-saliency.py --cfg-options load_from=<checkpoint of this stage>
_base_ = ['../_base_/models/cosnet_r101.py', '../_base_/datasets/davis2016_saliency.py', '../_base_/default_runtime.py']

model = dict(static_weight=1.0, test_cfg=dict(references=None))  # frame by frame: N = 0
train_dataloader = dict(batch_size=10, batch_sampler=dict(pattern=('still',), num_batches=1517))  # 15 168 images

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=30341, by_epoch=False)]
find_unused_parameters = True
auto_scale_lr = dict(enable=False, base_batch_size=10)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=5)
randomness = dict(seed=1234)
