# YouTube-Objects (Table 5), with the model of DAVIS 2017: one object a shot, scored in annotated frames after the given one.
# The paper does not tell what it averages over; the metric reports the means over videos and over classes.
_base_ = './dyenet_r101_davis2017.py'
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='YouTubeObjectsDataset',
        data_root='data/YouTube-Objects',
        min_labels=2,
        first_mask_prompt=True,
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_evaluator = dict(_delete_=True, type='MeanIoUMetric', skip_first=True)
submission = None
