# OVIS, in the layout in which it is distributed:
#   data/ovis/{train,valid}/<video>/img_<frame>.jpg and annotations_{train,valid}.json
_base_ = './vis_common.py'
ovis = dict(type='OVISDataset', data_root='data/ovis/')

train_dataloader = dict(dataset=dict(ovis, ann_file='annotations_train.json', data_prefix=dict(img_path='train')))
test_dataloader = dict(dataset=dict(ovis, ann_file='annotations_valid.json', data_prefix=dict(img_path='valid')))
test_evaluator = dict(type='YouTubeVISMetric', format_only=True, outfile_prefix='work_dirs/ovis/results')
