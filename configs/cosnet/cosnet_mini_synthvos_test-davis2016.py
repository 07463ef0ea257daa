# The small COSNet of cosnet_mini_synthvos.py on DAVIS 2016 val (unsupervised), at twice the size that it was trained at.
_base_ = ['./cosnet_mini_synthvos.py']

model = dict(test_cfg=dict(resize=dict(height=192, width=320)))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DAVIS2016Dataset',
        data_root='data/DAVIS2016',
        ann_file='ImageSets/2016/val.txt',
        task='unsup',
        test_mode=True,
        pipeline=[dict(type='PackVideo')],
    )
)
test_evaluator = dict(_delete_=True, type='DAVISMetric', protocol='davis2016')
submission = dict(_delete_=True, type='DAVIS2016Submission')
