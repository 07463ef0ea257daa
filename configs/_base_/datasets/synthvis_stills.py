# SynthVIS of photographs with masks: people and eight kinds of animals before scenes. Make it first:
#   data/stills/{animals,cats,people,coco_mini}/{images,masks}/   photographs with masks, 0 background; the animals' files are
#                                                                 named by their kind: bear_..., deer_...
#   python tools/dataset_converters/cutouts_from_masks.py data/stills/{animals,cats,people,coco_mini} \
#       --out data/synthvis_cutouts
#   python tools/dataset_converters/make_synthvis.py data/synthvis_stills --objects data/synthvis_cutouts/objects \
#       --backgrounds data/synthvis_cutouts/backgrounds --groups configs/sta_masktrack_rcnn/synthvis_stills_groups.json \
#       --train 2000 --valid 60 --frames 3 12 --size 192 336 --num-objects 1 4 --object-scale 0.3 1.2
_base_ = './synthvis_photo.py'
data_root = 'data/synthvis_stills/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
val_evaluator = dict(ann_file=data_root + 'valid.json')
test_evaluator = dict(ann_file=data_root + 'valid.json')
