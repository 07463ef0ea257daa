# DAVIS 2017, semi-supervised: the masks of the first frame are given.
#   data/DAVIS/{JPEGImages,Annotations}/480p/<sequence>/, data/DAVIS/ImageSets/2017/{train,val,test-dev}.txt
#   https://davischallenge.org/davis2017/code.html ("TrainVal - Images and Annotations (480p)")
# Another split of the test: --cfg-options test_dataloader.dataset.ann_file=ImageSets/2017/test-dev.txt
_base_ = './vos_common.py'
davis2017 = dict(type='DAVIS2017Dataset', data_root='data/DAVIS')

train_dataloader = dict(dataset=dict(davis2017, ann_file='ImageSets/2017/train.txt'))
test_dataloader = dict(dataset=dict(davis2017, ann_file='ImageSets/2017/val.txt'))
val_dataloader = test_dataloader

val_evaluator = dict(type='DAVISMetric', protocol='davis2017-semi')
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')
