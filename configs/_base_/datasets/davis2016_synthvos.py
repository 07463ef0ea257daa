# DAVIS 2016 train and SynthVOS clips made of photographs with masks, in turn: what the lite0 models are trained on.
#   data/DAVIS2016/           DAVIS 2016; six of its 30 training sequences are kept for choosing settings
#   data/synthvos_stills/     {objects,backgrounds} of photographs with masks: tools/dataset_converters/cutouts_from_masks.py
_base_ = './davis2016.py'

synthvos_root = 'data/synthvos_stills'
held_out = ['dance-jump', 'dog-agility', 'flamingo', 'kite-walk', 'motocross-bumps', 'scooter-gray']
clip_len = 4
size = (224, 384)

davis_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5, gap=(1, 4)),
    dict(type='LoadClip'),
    dict(type='ResizeClip', short_side=320),
    dict(type='RandomResizeClip', scales=(0.7, 1.25), continuous=True, backend='cv2'),
    dict(type='RandomCropClip', size=size),
    dict(type='SelectObjects', max_objects=2, min_pixels=60),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackVOSInputs'),
]
synthvos_pipeline = [
    dict(type='SampleClip', clip_len=clip_len, reverse_prob=0.5),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=3, min_pixels=60),
    dict(type='PackVOSInputs'),
]
train_dataloader = dict(
    _delete_=True,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='AlternatingSampler', seed=0),
    batch_sampler=dict(type='AlternatingBatchSampler', batch_size=1, pattern=('davis', 'synthvos')),
    dataset=dict(
        type='AlternatingDatasets',
        streams=dict(
            davis=dict(
                type='DAVIS2016Dataset',
                data_root='data/DAVIS2016',
                ann_file='ImageSets/2016/train.txt',
                exclude=held_out,
                pipeline=davis_pipeline,
            ),
            synthvos=dict(
                type='SynthVOSDataset',
                length=100000,
                num_frames=clip_len,
                size=size,
                num_objects=(2, 5),
                objects=dict(type='FolderObjects', root=f'{synthvos_root}/objects', split='train'),
                backgrounds=dict(type='FolderBackgrounds', root=f'{synthvos_root}/backgrounds', split='train'),
                # most clips have look-alikes, and objects that cross
                settings=dict(
                    object_scale=(0.3, 1.1), speed=0.08, deform=0.15, camera_pan=0.03, distractor_prob=0.6, cross_prob=0.6
                ),
                seed=0,
                pipeline=synthvos_pipeline,
            ),
        ),
    ),
)
val_dataloader = val_evaluator = val_cfg = None
