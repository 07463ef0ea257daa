# SynthVIS of photographs: six categories of cut-outs before photographs. Make it first (230 MB fetched, a few minutes):
#   python tools/dataset_converters/prepare_synthvos.py data/synthvos
#   python tools/dataset_converters/make_synthvis.py data/synthvis_photo --objects data/synthvos/objects \
#       --backgrounds data/synthvos/backgrounds --groups configs/sta_masktrack_rcnn/synthvis_photo_groups.json \
#       --train 4000 --valid 60 --frames 3 12 --size 192 336 --num-objects 1 4 --object-scale 0.25 1.2
_base_ = './synthvis_mini.py'
data_root = 'data/synthvis_photo/'
image_size = (336, 192)  # width, height
train_pipeline = [
    dict(type='mmdet.UniformRefFrameSample', num_ref_imgs=1, frame_range=3, filter_key_img=True),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadFrame'),
            dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
            dict(type='mmdet.Resize', scale=image_size, keep_ratio=True),
            dict(type='mmdet.RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmdet.PackTrackInputs'),
]
train_dataloader = dict(batch_size=4, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
val_evaluator = dict(ann_file=data_root + 'valid.json')
test_evaluator = dict(ann_file=data_root + 'valid.json')
