# SegTrack v2 (Table 5), with the model of DAVIS 2017: mean J of the 24 objects, the given frame left out.
_base_ = './dyenet_r101_davis2017.py'
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SegTrackV2Dataset',
        data_root='data/SegTrackv2',
        merge=False,
        first_mask_prompt=True,
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_evaluator = dict(_delete_=True, type='MeanIoUMetric', objects='each', skip_first=True)
submission = None
