# DAVIS 2016: one object; semi-supervised (the first mask is given). Unsupervised methods add task='unsup' to the data
# sets.
#   data/DAVIS2016/{JPEGImages,Annotations}/480p/<sequence>/, and one of the lists
#   data/DAVIS2016/ImageSets/2016/{train,val}.txt (a sequence per line)
#   data/DAVIS2016/ImageSets/480p/{train,val}.txt (a frame per line)
#   https://davischallenge.org/davis2016/code.html
# A DAVIS 2017 download serves as well: its ids are merged, which is close to the masks of 2016 but not equal.
_base_ = './vos_common.py'
davis2016 = dict(type='DAVIS2016Dataset', data_root='data/DAVIS2016')

train_dataloader = dict(dataset=dict(davis2016, ann_file='ImageSets/2016/train.txt'))
test_dataloader = dict(dataset=dict(davis2016, ann_file='ImageSets/2016/val.txt'))
val_dataloader = test_dataloader

# T takes a minute per hundred frames: only in the test
val_evaluator = dict(type='DAVISMetric', protocol='davis2016', temporal='none')
test_evaluator = dict(type='DAVISMetric', protocol='davis2016')
submission = dict(type='DAVIS2016Submission')
