"""COCO's metric with thresholds of one's own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.evaluation.metrics import CocoMetric

from mmvos.registry import METRICS


@METRICS.register_module()
class InstanceCocoMetric(CocoMetric):
    """``mmdet.CocoMetric`` that takes thresholds from a config: pycocotools fails on a list, or on a single number, with
    NumPy 2. Figures at an IoU that is not among the thresholds are -1.

    Args:
        args (Any), kwargs (Any): arguments of ``mmdet.CocoMetric``.
        iou_thrs (float | Sequence[float] | None): IoU thresholds (default: 0.5 to 0.95).
    """

    def __init__(self, *args: Any, iou_thrs: float | Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, iou_thrs=None if iou_thrs is None else np.atleast_1d(iou_thrs), **kwargs)
