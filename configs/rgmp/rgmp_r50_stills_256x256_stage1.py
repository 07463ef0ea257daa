# The paper's first stage: pairs of frames simulated from still images with masks, 256 x 256, Adam 1e-5. The batch size, the
# number of iterations and the sizes of the distortions are not in the paper.
#   data/VOCdevkit/VOC2012/{JPEGImages,SegmentationObject}   http://host.robots.ox.ac.uk/pascal/VOC/voc2012/
#   data/ECSSD/{images,ground_truth_mask}                    https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html
#   data/MSRA10K/MSRA10K_Imgs_GT/Imgs                        https://mmcheng.net/msra10k/
# A folder of your own (images/, masks/): dict(type='StillImageDataset', data_root=...).
_base_ = ['../_base_/models/rgmp_r50.py', '../_base_/datasets/davis2017.py', '../_base_/default_runtime.py']

size = (256, 256)
pictures = 'data/VOCdevkit/VOC2012/JPEGImages'  # other backgrounds
train_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='SelectObjects', max_objects=1, min_pixels=400, binary=True),
    dict(type='SimulatePair', size=size, backgrounds=dict(type='FolderBackgrounds', root=pictures)),
    dict(type='PackVOSInputs'),
]
stills = [
    dict(type='VOCInstanceDataset', pipeline=train_pipeline),
    dict(type='ECSSDDataset', pipeline=train_pipeline),
    dict(type='MSRA10KDataset', pipeline=train_pipeline),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=stills),
)

max_iters = 100000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, betas=(0.9, 0.999)))
auto_scale_lr = dict(enable=False, base_batch_size=4)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000))
log_processor = dict(by_epoch=False)
