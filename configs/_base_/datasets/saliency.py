# Still images with one foreground mask: streams of a training, see configs/_base_/datasets/davis2016_saliency.py.
#   data/MSRA10K/MSRA10K_Imgs_GT/Imgs/<name>.{jpg,png}                 https://mmcheng.net/msra10k/
#   data/DUT-OMRON/{DUT-OMRON-image/<name>.jpg,pixelwiseGT-new-PNG/<name>.png}
#                                                                      http://saliencydetection.net/dut-omron/
#   data/DUTS/DUTS-TR/{DUTS-TR-Image/<name>.jpg,DUTS-TR-Mask/<name>.png}   http://saliencydetection.net/duts/
size = (473, 473)
still_pipeline = [
    dict(type='SampleClip', clip_len=1),
    dict(type='LoadClip'),
    dict(type='CropFlipResize', size=size),
    dict(type='PackVOSInputs'),
]
msra10k = dict(type='MSRA10KDataset', data_root='data/MSRA10K', pipeline=still_pipeline)
dut_omron = dict(type='DUTOMRONDataset', data_root='data/DUT-OMRON', pipeline=still_pipeline)
duts = dict(type='DUTSDataset', data_root='data/DUTS', pipeline=still_pipeline)

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ConcatDataset', datasets=[msra10k, dut_omron]),
)
