# Stage 3: Re-MP alone, on real videos too, its boxes those that it finds itself. Proposals and Re-ID stay as they are.
_base_ = ['../_base_/datasets/davis2016_synthvos_pasted.py', '../_base_/schedules/lite0.py', '../_base_/models/dyenet_lite0.py']
# made by training dyenet_lite0_synthvos_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet_lite0_synthvos_stage2/iter_600.pth'

clip_len = 8
size = (192, 336)
davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(clip_len=clip_len, gap=(1, 3))
davis_pipeline[2].update(short_side=288)
davis_pipeline[4].update(size=size)
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(clip_len=clip_len)
train_dataloader = dict(
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline),
            synthvos=dict(num_frames=clip_len, size=size, seed=2, pipeline=synthvos_pipeline),
        )
    )
)

model = dict(parts=('re_mp',))
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='CurriculumHook', by_epoch=False, begins=(1,), model={'re_mp_boxes_from': ('gt', 'predicted')}),
]

max_iters = 700
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters)
randomness = dict(seed=2)
