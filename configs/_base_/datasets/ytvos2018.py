# YouTube-VOS 2018, semi-supervised; objects begin in any frame.
#   data/YouTubeVOS2018/{train,valid,test}/{JPEGImages,Annotations}/<video>/ and meta.json
#   data/YouTubeVOS2018/{valid,test}_all_frames/JPEGImages/<video>/ for all_frames=True
#   https://youtube-vos.org/dataset/vos/
# The annotations of the valid and test sets are on the server: a test writes a submission (tools/test.py --submission)
# and has no metric. Validation on a part of the training set: ytvos2018_train80.py and the like.
_base_ = './vos_common.py'
ytvos = dict(type='YouTubeVOSDataset', data_root='data/YouTubeVOS2018')

train_dataloader = dict(dataset=dict(ytvos, split='train'))
test_dataloader = dict(dataset=dict(ytvos, split='valid'))
test_evaluator = []
submission = dict(type='YouTubeVOSSubmission')
val_dataloader = val_evaluator = val_cfg = None
