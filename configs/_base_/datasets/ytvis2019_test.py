# The test split of YouTube-VIS 2019, whose annotations are on the server.
_base_ = './ytvis2019.py'
test_dataloader = dict(dataset=dict(ann_file='test.json', data_prefix=dict(img_path='test/JPEGImages')))
test_evaluator = dict(outfile_prefix='work_dirs/youtube_vis_2019_test/results')
