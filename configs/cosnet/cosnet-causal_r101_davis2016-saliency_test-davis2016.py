# For live video: a frame is compared with up to five past frames, one in five becomes a reference. Weights of COSNet.
_base_ = ['./cosnet_r101_davis2016-saliency.py']

model = dict(
    type='COSNetCausal',
    test_cfg=dict(
        _delete_=True,
        resize=dict(type='FixedSize', height=473, width=473),
        interpolation='antialias',
        num_references=5,
        stride=5,
    ),
)
