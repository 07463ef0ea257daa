# YouTube-VIS 2019, in the layout in which it is distributed:
#   data/youtube_vis_2019/{train,valid,test}/JPEGImages/<video>/<frame>.jpg and {train,valid,test}.json
# The test split: ytvis2019_test.py.
_base_ = './vis_common.py'
ytvis = dict(type='YouTubeVISDataset', dataset_version='2019', data_root='data/youtube_vis_2019/')

train_dataloader = dict(dataset=dict(ytvis, ann_file='train.json', data_prefix=dict(img_path='train/JPEGImages')))
test_dataloader = dict(dataset=dict(ytvis, ann_file='valid.json', data_prefix=dict(img_path='valid/JPEGImages')))
test_evaluator = dict(type='YouTubeVISMetric', format_only=True, outfile_prefix='work_dirs/youtube_vis_2019/results')
