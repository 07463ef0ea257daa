"""Metric of instance sequences on still images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from pycocotools import mask as coco_mask
from typing_extensions import override

from mmvos.registry import METRICS
from mmvos.structures import InputError

from ..functional.instance_sequence import instance_sequence_summary, symmetric_best_dice


@METRICS.register_module()
class InstanceSequenceMetric(BaseMetric):
    """Symmetric best Dice and difference in count (CVPPP leaf segmentation), over ``pred_instances`` of still images.

    The ground truth is the sample's ``instances`` (COCO's manner, with run-length masks).

    Args:
        painted (str | None): ``None``: masks may overlap; ``'last'`` / ``'first'``: they are painted in the order of the
            sequence and later / earlier steps win.
        prefix (str | None): put before the names of the figures.
        collect_device (str): where the ranks' results are gathered, ``'cpu'`` or ``'gpu'``.

    Raises:
        InputError: unknown ``painted``.
    """

    def __init__(self, painted: str | None = None, prefix: str | None = None, collect_device: str = 'cpu') -> None:
        if painted not in (None, 'last', 'first'):
            raise InputError(f"painted is {painted!r}; expected None, 'last' or 'first'.")
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.painted = painted

    @override
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score the images of a batch."""
        for sample in data_samples:
            predicted = sample['pred_instances']
            masks = np.asarray(predicted['masks'].cpu() if hasattr(predicted['masks'], 'cpu') else predicted['masks'])
            masks = paint_sequence(masks.astype(bool), self.painted)
            given = [coco_mask.decode(instance['mask']).astype(bool) for instance in sample['instances']]
            truth = np.stack(given) if given else np.zeros((0, *masks.shape[1:]), bool)
            self.results.append(dict(sbd=symmetric_best_dice(masks, truth), predicted=len(masks), objects=len(truth)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """See :func:`instance_sequence_summary`."""
        return instance_sequence_summary(results)


def paint_sequence(masks: np.ndarray, painted: str | None) -> np.ndarray:
    """Masks bool ``(N, H, W)`` without overlaps: ``'last'`` or ``'first'`` of the sequence wins (None: as they are).

    Masks without a pixel are dropped.
    """
    if painted is None or not len(masks):
        return masks
    order = range(len(masks)) if painted == 'last' else reversed(range(len(masks)))
    canvas = np.full(masks.shape[1:], -1)
    for index in order:
        canvas[masks[index]] = index
    parts = canvas[None] == np.arange(len(masks)).reshape(-1, 1, 1)
    return parts[parts.any((1, 2))]
