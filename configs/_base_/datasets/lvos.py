# LVOS: objects begin at any frame; every fifth frame is there and annotated.
#   data/LVOS/{train,valid,test}/{JPEGImages,Annotations}/<video>/, .../<split>_meta.json, .../unseen_videos.txt
#   https://lingyihongfd.github.io/lvos.github.io/, https://github.com/LingyiHongfd/lvos-evaluation
# v2: --cfg-options test_dataloader.dataset.data_root=data/LVOS_v2
_base_ = './vos_common.py'
lvos = dict(type='LVOSDataset', data_root='data/LVOS')

train_dataloader = dict(dataset=dict(lvos, split='train'))
test_dataloader = dict(dataset=dict(lvos, split='valid'))
val_dataloader = test_dataloader

val_evaluator = dict(type='ProtocolMetric', protocol='lvos')
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')
