"""COCO's metric with figures at further IoU thresholds."""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from mmdet.datasets.api_wrappers import COCOeval
from mmdet.evaluation.metrics import CocoMetric

from mmvos.registry import METRICS
from mmvos.structures import InputError


@METRICS.register_module()
class InstanceCocoMetric(CocoMetric):
    """``mmdet.CocoMetric``, with AP at further IoU thresholds, ``segm_mAP_60`` and the like (RSIS: 0.6, 0.7, 0.8).

    mmdet's own ``iou_thrs`` takes the place of COCO's ten thresholds, which its tables by class and its summary need.

    Args:
        args (Any), kwargs (Any): arguments of ``mmdet.CocoMetric``.
        ap_ious (Sequence[float]): thresholds, some of COCO's 0.5, 0.55, ..., 0.95.

    Raises:
        InputError: another threshold.
    """

    def __init__(self, *args: Any, ap_ious: Sequence[float] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for iou in ap_ious:
            if not np.isclose(iou, self.iou_thrs).any():
                raise InputError(f'InstanceCocoMetric: ap_ious has {iou}; expected some of 0.5, 0.55, ..., 0.95.')
        self.ap_ious = tuple(ap_ious)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """mmdet's figures, and those at the further thresholds."""
        evaluations: list[COCOeval] = []

        class Kept(COCOeval):
            def summarize(self) -> None:
                super().summarize()
                evaluations.append(self)

        with patch('mmdet.evaluation.metrics.coco_metric.COCOeval', Kept):
            figures = super().compute_metrics(results)
        for evaluation in evaluations:
            precision = evaluation.eval['precision'][..., 0, -1]  # thresholds, recalls, classes; all sizes
            for iou in self.ap_ious:
                known = precision[np.argmin(np.abs(evaluation.params.iouThrs - iou))]
                known = known[known > -1]
                name = f'{evaluation.params.iouType}_mAP_{100 * iou:.0f}'
                figures[name] = round(float(known.mean()), 3) if len(known) else -1.0
        return figures
