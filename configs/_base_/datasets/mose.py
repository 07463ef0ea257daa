# MOSE v1: the masks of the first frame are given.
#   data/MOSE/{train,valid}/{JPEGImages,Annotations}/<video>/ (valid: first annotations alone; the server scores)
#   https://github.com/henghuiding/MOSE-api
_base_ = './vos_common.py'
mose = dict(type='FolderDataset', data_root='data/MOSE')

train_dataloader = dict(dataset=dict(mose, data_prefix=dict(img='train/JPEGImages', ann='train/Annotations'), prompt='none'))
test_dataloader = dict(dataset=dict(mose, data_prefix=dict(img='valid/JPEGImages', ann='valid/Annotations')))
val_dataloader = test_dataloader

val_evaluator = dict(type='ProtocolMetric', protocol='mose')
test_evaluator = val_evaluator
submission = dict(type='DAVISSubmission')
