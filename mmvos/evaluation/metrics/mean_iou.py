"""Mean IoU of SegTrack v2, YouTube-Objects and FBMS-59 as a metric."""

import cv2
import numpy as np

from mmvos.registry import METRICS

from ..functional.mean_iou import MeanIoUVideo, mean_iou_summary
from .base import ScoredVideoMetric


@METRICS.register_module()
class MeanIoUMetric(ScoredVideoMetric):
    """Region similarity J on the annotated frames: ``mIoU``, ``frame_mean``, ``video_mean``, ``class_mean``.

    A prediction is resized to the size of the annotation, not the other way round (the labels of YouTube-Objects are
    smaller than its frames): scores bilinearly where the results carry them (``test_cfg.keep_scores``), label maps to
    the nearest pixel.

    Args:
        objects: ``'union'`` (one foreground: the unsupervised benchmarks) or ``'each'`` (every object by itself:
            semi-supervised SegTrack v2).
        skip_first: leave out a video's first annotated frame (semi-supervised).
        average: what ``mIoU`` is a mean of: ``'object'`` or ``'class'`` (default: classes where there are any).
        json_file, csv_file, prefix: see :class:`ScoredVideoMetric`.
    """

    def __init__(
        self,
        objects: str = 'union',
        skip_first: bool = False,
        average: str | None = None,
        json_file: str | None = None,
        csv_file: str | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(json_file, csv_file, prefix, collect_device)
        MeanIoUVideo(objects)  # raises on a value that does not exist
        self.objects, self.skip_first, self.average = objects, skip_first, average

    @property
    def protocol_name(self) -> str:
        return f'mean IoU (objects: {self.objects}, first annotated frame: {"ex" if self.skip_first else "in"}cluded)'

    def new_video(self, result: dict) -> MeanIoUVideo:
        return MeanIoUVideo(self.objects, self.skip_first, result.get('group'))

    def add_frame(self, video: MeanIoUVideo, result: dict) -> None:
        if self.is_scored(result):
            gt = self.label_map(result)
            video.update(result['frame_index'], gt, self._resized(result, gt.shape))

    @staticmethod
    def _resized(result: dict, shape: tuple) -> np.ndarray:
        """The prediction at the size ``(H, W)`` of the annotation."""
        label_map = np.asarray(result['pred_label_map'])
        if label_map.shape == shape:
            return label_map
        scores = result.get('pred_scores')
        if scores is None:
            return cv2.resize(label_map, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        scores = [cv2.resize(channel, shape[::-1], interpolation=cv2.INTER_LINEAR) for channel in scores.float().cpu().numpy()]
        ids = np.array([0] + list(result['object_ids'])[: len(scores) - 1], np.uint8)
        return ids[np.argmax(scores, axis=0)]

    def summary(self, rows: list[dict]) -> dict[str, float]:
        return mean_iou_summary(rows, self.average)
