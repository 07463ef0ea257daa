"""The mini model tested on DAVIS 2016, with the weights of main_mini_synthvos.py or of its stages."""

_base_ = 'main_mini_synthvos.py'

model = dict(test_cfg=dict(resize=dict(_delete_=True, type='FixedSize', height=128, width=224), pad=None))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DAVIS2016Dataset',
        data_root='data/DAVIS2016',
        ann_file='ImageSets/2016/val.txt',
        test_mode=True,
        pipeline=[dict(type='PackVideo')],
    )
)
test_evaluator = dict(type='DAVISMetric', protocol='davis2016', strict=True)
submission = dict(type='DAVIS2016Submission', _delete_=True)
