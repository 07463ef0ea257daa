# RecallVOS, trained further from the weights that come with MMVOS: larger frames, and clips simulated from photographs with
# masks, in which objects keep their natural surroundings. Of four clips two are real and one is simulated.
#   data/stills/<set>/{images,masks}/   the photographs that cutouts_from_masks.py made data/synthvos_stills of
_base_ = './recall-vos_lite0_davis2016-synthvos_stage7.py'

clip_len = 8
size = (320, 576)
davis_pipeline = _base_.davis_pipeline
davis_pipeline[3].update(scales=(0.9, 1.9))
davis_pipeline[4].update(size=size)
still_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='SimulateClip', clip_len=clip_len, size=size),
    *davis_pipeline[5:],  # from pasted objects on
]
train_dataloader = dict(
    sampler=dict(seed=7),
    batch_sampler=dict(pattern=('davis', 'still', 'davis', 'synthvos')),
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline),
            synthvos=dict(size=size, seed=7, settings=dict(object_scale=(0.2, 1.0))),
            still=[
                dict(
                    type='StillImageDataset',
                    data_root=f'data/stills/{name}',
                    exclude=f'{_base_.synthvos_root}/val/{name}.txt',
                    pipeline=still_pipeline,
                )
                for name in ('animals', 'cats', 'people', 'coco_mini', 'coco128seg', 'davis2017_testdev_first_frames')
            ],
        )
    ),
)

max_iters = 500
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, T_max=max_iters - 30)
randomness = dict(seed=7)
load_from = 'recall-vos_lite0'
