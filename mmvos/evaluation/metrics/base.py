"""What all metrics and writers over videos share: frames stream in, results of whole videos are gathered."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmvos.structures import read_label_map

from ..report import format_table, write_csv, write_json


class VideoMetric(BaseMetric):
    """A metric that sees a video frame by frame and keeps nothing of it but one result.

    A subclass gives ``new_video(result)`` -> what is kept while the video runs, ``add_frame(video, result)`` and
    ``finish_video(video)`` -> the picklable result of the video, and :meth:`compute_metrics`.

    Results are gathered over ranks as they are: ranks may hold any number of videos, also none.
    """

    default_prefix = ''  # figures carry their official names; mmengine warns about None

    def __init__(self, prefix: str | None = None, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self._video = self._video_id = None

    @abstractmethod
    def new_video(self, result: dict) -> Any:
        """State for a video, made at its first frame."""

    @abstractmethod
    def add_frame(self, video: Any, result: dict) -> None:
        """Take in one frame: ``result`` is a ``VOSDataSample`` as a dict."""

    @abstractmethod
    def finish_video(self, video: Any) -> Any:
        """The result of a video after its last frame."""

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take in frames of a video, in order; ``is_last`` closes the video."""
        for result in data_samples:
            if self._video_id != result['video_id']:
                if result['frame_index'] != 0:
                    raise ValueError(
                        f'{result["video_id"]}: the first frame that {type(self).__name__} got is frame '
                        f'{result["frame_index"]}; videos must come whole and one after the other.'
                    )
                self._video_id = result['video_id']
                self._video = self._named(self.new_video, result, result)
            self._named(self.add_frame, result, self._video, result)
            if result['is_last']:
                self.results.append((self._video_id, self._named(self.finish_video, result, self._video)))
                self._video = self._video_id = None

    @staticmethod
    def _named(function, result: dict, *args):
        """Call a function; an error about the input names video and frame."""
        try:
            return function(*args)
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f'{result["video_id"]}, frame {result["frame_name"]}: {error}') from None

    def evaluate(self, size: int) -> dict[str, float]:
        """Metrics over the videos of all ranks.

        A video that two ranks had (a sampler that pads the last round) counts once. mmengine's own collection would
        interleave the ranks' results and cut the list at ``size``, which is right only for equal shares.
        """
        gathered: dict[str, Any] = {}
        for results in all_gather_object(self.results):
            for video_id, result in results:
                gathered.setdefault(video_id, result)
        self.results.clear()
        self._video = self._video_id = None
        metrics: list[Any] = [None]
        if is_main_process():
            try:
                computed = self.compute_metrics(sorted(gathered.items()))
                metrics = [{f'{self.prefix}/{k}' if self.prefix else k: v for k, v in computed.items()}]
            except Exception as error:  # the other ranks wait for the broadcast: they must end with this error too
                metrics = [error]
        broadcast_object_list(metrics)
        if isinstance(metrics[0], Exception):
            raise metrics[0]
        return metrics[0]


class ScoredVideoMetric(VideoMetric):
    """A :class:`VideoMetric` over one of the sequence scorers of :mod:`mmvos.evaluation.functional`.

    Args:
        json_file: write the metrics, with all objects under ``per_object``, to this file.
        csv_file: write the table of objects to this file.
        prefix: put before the names of the metrics, as ``prefix/name``.
    """

    def __init__(
        self, json_file: str | None = None, csv_file: str | None = None, prefix: str | None = None, collect_device: str = 'cpu'
    ) -> None:
        super().__init__(prefix=prefix, collect_device=collect_device)
        self.json_file, self.csv_file = json_file, csv_file

    def label_map(self, result: dict) -> np.ndarray:
        """The annotation of the frame, uint8 ``(H, W)``, read if it is a path."""
        annotation = result.get('annotation')
        if annotation is None:
            raise ValueError(
                f'this frame has no annotation, which {type(self).__name__} needs. Use a split with '
                'annotations, or write a submission instead.'
            )
        if isinstance(annotation, (str, os.PathLike)):
            return read_label_map(annotation, **(result.get('annotation_options') or {}))
        return np.asarray(annotation)

    @staticmethod
    def is_scored(result: dict) -> bool:
        """Whether a frame of a sparsely annotated data set counts: it has an annotation, and is one of ``eval_frames``
        where the data set names them."""
        frames = result.get('eval_frames')
        return result.get('annotation') is not None and (frames is None or result['frame_index'] in frames)

    def add_frame(self, video: Any, result: dict) -> None:
        index = result['frame_index']
        wants_gt, wants_pred = video.needs_annotation(index), video.needs_prediction(index)
        if wants_gt or wants_pred:
            video.update(
                index,
                self.label_map(result) if wants_gt else None,
                np.asarray(result['pred_label_map']) if wants_pred else None,
            )

    def finish_video(self, video: Any) -> Any:
        return video.result()

    @abstractmethod
    def summary(self, rows: list[dict]) -> dict[str, Any]:
        """Metrics from the rows of all objects."""

    @property
    def protocol_name(self) -> str:
        """What the report is headed with: the protocol and the conventions that were chosen."""
        return type(self).__name__

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Metrics, a table in the log, and the files that were asked for, from ``[(video id, rows)]``."""
        rows = [dict(video=video_id, **row) for video_id, video_rows in results for row in video_rows]
        metrics = self.summary(rows)
        MMLogger.get_current_instance().info(f'{self.protocol_name}\n{format_table(rows, metrics)}')
        if self.json_file:
            write_json(self.json_file, self.protocol_name, metrics, rows)
        if self.csv_file:
            write_csv(self.csv_file, rows)
        return metrics
