# YouTube-VOS 2019: the layout and the rules of ytvos2018.py, below data/YouTubeVOS2019.
_base_ = './ytvos2018.py'
ytvos = dict(data_root='data/YouTubeVOS2019')

train_dataloader = dict(dataset=ytvos)
test_dataloader = dict(dataset=ytvos)
