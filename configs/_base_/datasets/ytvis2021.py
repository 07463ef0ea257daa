# YouTube-VIS 2021, in the layout in which it is distributed:
#   data/youtube_vis_2021/{train,valid}/JPEGImages/<video>/<frame>.jpg and {train,valid}/instances.json
_base_ = './vis_common.py'
ytvis = dict(type='YouTubeVISDataset', dataset_version='2021', data_root='data/youtube_vis_2021/')

train_dataloader = dict(dataset=dict(ytvis, ann_file='train/instances.json', data_prefix=dict(img_path='train/JPEGImages')))
test_dataloader = dict(dataset=dict(ytvis, ann_file='valid/instances.json', data_prefix=dict(img_path='valid/JPEGImages')))
test_evaluator = dict(type='YouTubeVISMetric', format_only=True, outfile_prefix='work_dirs/youtube_vis_2021/results')
