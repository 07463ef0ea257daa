# Pixels in [-1, 1], as EfficientNet-Lite was trained.
model = dict(
    data_preprocessor=dict(
        type='VOSDataPreprocessor', mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), rgb=True, channels_last=True
    )
)
