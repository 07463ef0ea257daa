# DAVIS 2017, unsupervised: the method finds the objects (at most 20), frame by frame consistent; nothing is given.
#   data/DAVIS/{JPEGImages,Annotations_unsupervised}/480p/<sequence>/, data/DAVIS/ImageSets/2017/{train,val}.txt
#   https://davischallenge.org/davis2017/code.html ("Unsupervised - TrainVal - Images and Annotations (480p)")
# Another split of the test: --cfg-options test_dataloader.dataset.ann_file=ImageSets/2019/test-dev.txt
_base_ = './vos_common.py'
davis2017 = dict(type='DAVIS2017Dataset', data_root='data/DAVIS', task='unsup')

train_dataloader = dict(dataset=dict(davis2017, ann_file='ImageSets/2017/train.txt'))
test_dataloader = dict(dataset=dict(davis2017, ann_file='ImageSets/2017/val.txt'))
val_dataloader = test_dataloader

val_evaluator = dict(type='DAVISMetric', protocol='davis2017-unsup')
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission', max_proposals=20)
