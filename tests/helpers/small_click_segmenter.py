"""ClickSegmenter with few channels and random weights."""

import torch

from mmvos.models.interactive import ClickSegmenter
from mmvos.registry import MODELS


def small_click_segmenter(seed: int = 0, **settings) -> ClickSegmenter:
    torch.manual_seed(seed)
    return MODELS.build(
        dict(
            type='mmvos.ClickSegmenter',
            data_preprocessor=dict(type='mmvos.VOSDataPreprocessor', mean=(127.0,) * 3, std=(128.0,) * 3),
            backbone=dict(type='mmvos.EfficientNetLite', out_indices=(2, 3, 4, 5, 6, 7), frozen_stages=7, norm_eval=True),
            encoder=dict(type='mmvos.PromptEncoder'),
            decoder=dict(type='mmvos.ClickDecoder', channels=(8, 16, 16), dilations=(1, 2)),
            loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
            loss_region=dict(type='mmdet.DiceLoss', use_sigmoid=True),
            test_cfg=dict(resize=dict(type='mmvos.ShortSide', length=64, divisor=32), **settings),
        )
    )
