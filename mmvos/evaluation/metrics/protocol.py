"""Metrics of the benchmarks of label maps: the protocols of :mod:`mmvos.evaluation.protocols`, fed frame by frame."""

from typing import Any

import cv2
import numpy as np
from mmengine.logging import MMLogger

from mmvos.registry import METRICS
from mmvos.structures import InputError
from mmvos.videos import LabelSource

from ..functional.scorer import Row, Scorer, phantom_warnings
from ..protocols import MASK_PROTOCOLS
from ..report import format_table, write_csv, write_json
from ..scoring import VideoFacts
from .base import VideoMetric


class _ScoredVideo:
    """A video while it runs: its scorer, and which frames that count have no annotation."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.scored = 0
        self.missing: list[str] = []


@METRICS.register_module()
class ProtocolMetric(VideoMetric):
    """Figures of a benchmark, as its official evaluator counts them.

    A video without an annotation in the frames that count (a test set, where only the first masks are given) is not scored;
    the log says so. Where only some lack one, that is an error for a protocol that counts all frames.

    Args:
        protocol (str): name in :data:`~mmvos.evaluation.protocols.MASK_PROTOCOLS`.
        json_file (str | None): write the figures, with all objects under ``per_object``, to this file.
        csv_file (str | None): write the table of objects to this file.
        prefix (str | None): put before the names of the figures, as ``prefix/name``.
        collect_device (str): device of the collection, as in mmengine's metrics.
        options (dict): settings of the protocol, see :mod:`mmvos.evaluation.scoring`.

    Raises:
        InputError: no such protocol, or a setting that it does not have.
    """

    def __init__(
        self,
        protocol: str,
        json_file: str | None = None,
        csv_file: str | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        **options: Any,
    ) -> None:
        super().__init__(prefix=prefix, collect_device=collect_device)
        if protocol not in MASK_PROTOCOLS:
            raise InputError(f'protocol={protocol!r}: expected one of {", ".join(MASK_PROTOCOLS)}.')
        self.protocol = MASK_PROTOCOLS[protocol]
        self.scoring = self.protocol.with_options(options, type(self).__name__)
        self.heading = self.protocol.heading(self.scoring)
        self.json_file, self.csv_file = json_file, csv_file

    def new_video(self, result: dict) -> _ScoredVideo:
        """A scorer for the video."""
        facts = VideoFacts(
            result['video_id'],
            result['num_frames'],
            result.get('categories'),
            result.get('object_frames') or {},
            result.get('prompt_frames') or {},
            result.get('group'),
        )
        return _ScoredVideo(self.scoring.scorer(facts))

    def add_frame(self, video: _ScoredVideo, result: dict) -> None:
        """Score a frame, if it counts."""
        index, scorer = result['frame_index'], video.scorer
        counted = result.get('eval_frames')
        if self.scoring.sparse and counted is not None and index not in counted:
            return
        wants_pred = scorer.needs_prediction(index)
        if not (wants_pred or scorer.needs_annotation(index)):
            return
        if result.get('annotation') is None:
            video.missing.append(result['frame_name'])
            return
        gt = LabelSource.of(result['annotation']).read() if scorer.needs_annotation(index) else None
        pred = self._prediction(result, gt) if wants_pred else None
        scorer.update(index, gt, pred)
        video.scored += wants_pred

    def _prediction(self, result: dict, gt: np.ndarray | None) -> np.ndarray:
        """The label map that was predicted; where the protocol asks for it, at the size of the annotation."""
        label_map = np.asarray(result['pred_label_map'])
        if gt is None or not self.scoring.resized or label_map.shape == gt.shape:
            return label_map
        scores, size = result.get('pred_scores'), gt.shape[::-1]
        if scores is None:
            return np.asarray(cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
        maps = [cv2.resize(channel, size, interpolation=cv2.INTER_LINEAR) for channel in scores.float().cpu().numpy()]
        ids = np.array([0] + list(result['object_ids'])[: len(maps) - 1], np.uint8)
        return ids[np.argmax(maps, axis=0)]

    def finish_video(self, video: _ScoredVideo) -> list[Row]:
        """Rows of the video's objects.

        Raises:
            InputError: a frame between annotated ones has no annotation, where the protocol counts all.
        """
        if not video.scored:
            return []
        if video.missing and not self.scoring.sparse:
            raise InputError(f'frame {video.missing[0]} has no annotation, while others of this video have one.')
        return video.scorer.result()

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Figures, a table in the log, and the files that were asked for, from ``[(video id, rows)]``.

        Raises:
            InputError: no object was scored.
        """
        logger = MMLogger.get_current_instance()
        if not results:
            raise InputError('no object was scored.')
        rows = [dict(video=video_id, **row) for video_id, video_rows in results for row in video_rows]
        unscored = [video_id for video_id, video_rows in results if not video_rows]
        if unscored:
            logger.warning(f'{len(unscored)} of {len(results)} videos have no annotation that counts and are not scored.')
        if not rows:
            return {}
        metrics = self.scoring.summary(rows)
        logger.info(f'{self.heading}\n{format_table(rows, metrics)}')
        warnings = phantom_warnings(rows)
        for warning in warnings:
            logger.warning(warning)
        if self.json_file and self.complete:
            write_json(self.json_file, self.heading, metrics, rows, warnings)
        if self.csv_file and self.complete:
            write_csv(self.csv_file, rows)
        return metrics


@METRICS.register_module()
class DAVISMetric(ProtocolMetric):
    """J, F (and T) of the DAVIS benchmarks.

    Figures: ``J&F-Mean``, ``J-Mean``, ``J-Recall``, ``J-Decay``, the same of F, and ``T-Mean`` (lower is better).

    Args:
        protocol (str): ``'davis2016'``, ``'davis2017-semi'`` or ``'davis2017-unsup'``; or another that counts like them.
        kwargs (dict): arguments of :class:`ProtocolMetric`.
    """

    def __init__(self, protocol: str = 'davis2017-semi', **kwargs: Any) -> None:
        super().__init__(protocol, **kwargs)


@METRICS.register_module()
class YouTubeVOSMetric(ProtocolMetric):
    """J and F of seen and unseen categories, and their mean ``overall``.

    The annotations of the official valid and test sets are on the server only: this is for held-out training videos. A
    frame counts if it has an annotation and, where the data set names ``eval_frames``, if it is one of them.

    Args:
        kwargs (dict): arguments of :class:`ProtocolMetric`: ``first``, ``last``, ``bound_th``, ...
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('youtube-vos', **kwargs)


@METRICS.register_module()
class MeanIoUMetric(ProtocolMetric):
    """Region similarity J on the annotated frames: ``mIoU``, ``frame_mean``, ``video_mean``, ``class_mean``.

    A prediction is resized to the size of the annotation, not the other way round (the labels of YouTube-Objects are
    smaller than its frames): scores bilinearly where the results carry them (``test_cfg.keep_scores``), label maps to
    the nearest pixel.

    Args:
        objects (str): ``'union'`` (one foreground: the unsupervised benchmarks) or ``'each'`` (every object by itself).
        kwargs (dict): arguments of :class:`ProtocolMetric`: ``skip_first``, ``average``, ...
    """

    def __init__(self, objects: str = 'union', **kwargs: Any) -> None:
        super().__init__('fbms', objects=objects, **kwargs)
        self.heading = f'mean IoU ({self.scoring.conventions})'
