# Stage 1 as the paper tells it: SynthVOS beside the two real sets, 80 epochs; the Gaussians' estimates count no empty cell.
# SynthVOS was not released: "1-5 objects" of MSRA10K are moved over images of PASCAL VOC 2012, how is not told. Here the motion
# and the sizes are those of mmvos.datasets.synth, and an epoch has as many synthetic clips as YouTube-VOS videos.
#   data/MSRA10K/MSRA10K_Imgs_GT/Imgs/<name>.{jpg,png}     https://mmcheng.net/msra10k/
#   data/VOCdevkit/VOC2012/JPEGImages/<name>.jpg           http://host.robots.ox.ac.uk/pascal/VOC/voc2012/
_base_ = './agame_r101_davis2017-ytvos2018_stage1.py'
model = dict(appearance=dict(pseudo_cells=0))

msra10k = 'data/MSRA10K/MSRA10K_Imgs_GT/Imgs'
synthvos = dict(
    type='SynthVOSDataset',
    length=3171,
    num_frames=_base_.clip_len,
    size=_base_.size,
    num_objects=(1, 5),
    objects=dict(type='MaskedObjects', images=msra10k, masks=msra10k, threshold=127),
    backgrounds=dict(type='FolderBackgrounds', root='data/VOCdevkit/VOC2012/JPEGImages'),
    # edges are not blended, and nothing but geometry changes
    settings=dict(soft_edge_prob=0.0, shadow_prob=0.0, noise=0.0, blur=0.0, lighting=0.0, deform=0.0, jpeg_quality=None),
    seed=0,
    pipeline=_base_.davis_pipeline,
)
train_dataloader = dict(dataset=dict(datasets=[_base_.davis, _base_.ytvos, synthvos]))

train_cfg = dict(max_epochs=80)
param_scheduler = dict(gamma=0.95)
