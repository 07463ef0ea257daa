# Stage 2 of the run file "main": longer clips of full size, both sets drawn alike, the final loss alone.
_base_ = './agame_r101_davis2017-ytvos2018_stage1.py'
clip_len, size = 14, (480, 864)
# made by training agame_r101_davis2017-ytvos2018_stage1.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/agame_r101_davis2017-ytvos2018_stage1/epoch_160.pth'
model = dict(loss_coarse=None)  # the paper keeps the coarse loss: agame-paper_*

longer = dict(SampleClip=dict(clip_len=clip_len), ResizeClip=dict(size=size))
davis_pipeline = [dict(step, **longer.get(step['type'], {})) for step in _base_.davis_pipeline]
ytvos_pipeline = [dict(step, **longer.get(step['type'], {})) for step in _base_.ytvos_pipeline]
davis = dict(_base_.davis, min_labelled=clip_len, pipeline=davis_pipeline)
ytvos = dict(_base_.ytvos, min_labelled=clip_len, pipeline=ytvos_pipeline)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(_delete_=True, type='BalancedSampler', num_samples=(0, 2)),  # clips: twice the number of DAVIS videos
    dataset=dict(datasets=[davis, ytvos]),
)

train_cfg = dict(max_epochs=100)
optim_wrapper = dict(optimizer=dict(lr=1e-5, weight_decay=1e-6))
param_scheduler = dict(gamma=0.985)
auto_scale_lr = dict(base_batch_size=2)
