# The mini model on DAVIS 2016: a run of the whole protocol with small weights, not a measure of the method.
_base_ = './dyenet_mini_synthvos.py'

model = dict(test_cfg=dict(resize=dict(type='ShortSide', length=192, divisor=16), min_area=64))
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type='DAVIS2016Dataset', data_root='data/DAVIS2016', ann_file='ImageSets/2016/val.txt',
        test_mode=True, pipeline=[dict(type='PackVideo')]))
test_evaluator = dict(_delete_=True, type='DAVISMetric', protocol='davis2016', temporal='none')
submission = dict(_delete_=True, type='DAVIS2016Submission')
