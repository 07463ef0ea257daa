"""Scoring predictions that lie in files: one sequence after the other, in several processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any

import cv2
import numpy as np

from mmvos.structures import read_label_map
from mmvos.videos.layouts import GroundTruthVideo, MaskFiles

from .functional import (
    TEMPORAL_SEQUENCES,
    DAVIS2016Sequence,
    DAVISSemiSequence,
    DAVISUnsupSequence,
    MeanIoUVideo,
    YouTubeVOSVideo,
    davis_summary,
    mean_iou_summary,
    youtube_vos_summary,
)

#: mean IoU protocols: (objects, whether the first annotated frame is left out)
MEAN_IOU_PROTOCOLS = {
    'segtrack-v2': ('union', False),
    'segtrack-v2-semi': ('each', True),
    'youtube-objects': ('union', False),
    'youtube-objects-semi': ('union', True),
    'fbms': ('union', False),
}
MASK_PROTOCOLS = ('davis2016', 'davis2017-semi', 'davis2017-unsup', 'youtube-vos', *MEAN_IOU_PROTOCOLS)


def score_video(
    video: GroundTruthVideo,
    predictions: MaskFiles,
    protocol: str,
    strict: bool = True,
    temporal: bool = True,
    first: str = 'exclude',
    last: str = 'include',
) -> list[dict[str, Any]]:
    """Score one video by a protocol of :data:`MASK_PROTOCOLS`; every file is read once, for all its objects.

    Args:
        video: the annotated frames.
        predictions: of all videos.
        protocol: see above.
        strict: ``davis2017-semi``: an id that was not given is an error.
        temporal: ``davis2016``: measure T where it is defined.
        first, last: ``youtube-vos``: frames that count, see :class:`YouTubeVOSVideo`.

    Returns:
        Rows of the video's objects.

    Raises:
        FileNotFoundError, ValueError: naming the file.
    """
    count, resize = len(video.frames), protocol in MEAN_IOU_PROTOCOLS
    options = dict(binary=True) if protocol == 'davis2016' else {}
    if protocol == 'davis2016':
        scorer = DAVIS2016Sequence(count, temporal and video.video_id in TEMPORAL_SEQUENCES)
    elif protocol == 'davis2017-semi':
        scorer = DAVISSemiSequence(count, strict)
    elif protocol == 'davis2017-unsup':
        scorer = DAVISUnsupSequence(count)
    elif protocol == 'youtube-vos':
        scorer = YouTubeVOSVideo(video.categories, video.first_frames, first, last)
    else:
        objects, skip_first = MEAN_IOU_PROTOCOLS[protocol]
        scorer = MeanIoUVideo(objects, skip_first, video.group)
    folder = predictions.folder_of(video.video_id)
    for position, frame in enumerate(video.frames):
        wants_gt = getattr(scorer, 'needs_annotation', _always)(position)
        wants_pred = getattr(scorer, 'needs_prediction', _always)(position)
        if not (wants_gt or wants_pred):
            continue
        gt = video.label_map(position, **options) if wants_gt else None
        pred = None
        if wants_pred:
            pred = predictions.read(folder, frame, shape=None if resize else gt.shape, **options)
            if pred.shape != gt.shape:
                pred = cv2.resize(pred, gt.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        try:
            scorer.update(position, gt, pred)
        except ValueError as error:
            raise ValueError(f'{os.path.join(predictions.path, folder, frame)}.png: {error}') from None
    return [dict(video=video.video_id, **row) for row in scorer.result()]


def available_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _always(position: int) -> bool:
    return True


def summarise(protocol: str, rows: Sequence[dict]) -> dict[str, float]:
    """The official figures of a protocol from the rows of all videos."""
    if protocol.startswith('davis'):
        return davis_summary(rows)
    if protocol == 'youtube-vos':
        return youtube_vos_summary(rows)
    return mean_iou_summary(rows)


def score_videos(
    videos: Sequence[GroundTruthVideo],
    predictions: str | os.PathLike | MaskFiles,
    protocol: str,
    num_workers: int = 1,
    progress: Callable[[int], None] | None = None,
    **options,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Score all videos of a data set.

    Args:
        videos: see :mod:`mmvos.videos.layouts`.
        predictions: a folder or a zip file of label maps.
        protocol: of :data:`MASK_PROTOCOLS`.
        num_workers: processes; the longest videos are begun first.
        progress: called with the number of frames of every video that is done.
        options: as of :func:`score_video`.

    Returns:
        The official figures, and the rows of all objects in the order of the videos.
    """
    if not isinstance(predictions, MaskFiles):
        predictions = MaskFiles(predictions)
    missing = []
    for video in videos:  # before the work begins
        try:
            predictions.folder_of(video.video_id)
        except FileNotFoundError as error:
            missing.append((video.video_id, error))
    if missing:
        also = f' (and of {len(missing) - 1} more: {", ".join(name for name, _ in missing[1:6])})' if missing[1:] else ''
        raise FileNotFoundError(f'{missing[0][1]}{also}')
    work = partial(score_video, predictions=predictions, protocol=protocol, **options)
    order = sorted(range(len(videos)), key=lambda i: -len(videos[i].frames))
    rows: dict[int, list[dict]] = {}
    for index, result in _in_processes(work, videos, order, min(num_workers, len(videos))):
        rows[index] = result
        if progress is not None:
            progress(len(videos[index].frames))
    rows = [row for index in range(len(videos)) for row in rows[index]]
    return summarise(protocol, rows), rows


def _in_processes(work: Callable, videos: Sequence, order: Iterable[int], num_workers: int) -> Iterator[tuple[int, Any]]:
    if num_workers <= 1:
        for index in order:
            yield index, work(videos[index])
        return
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else None
    with ProcessPoolExecutor(
        num_workers, multiprocessing.get_context(method), initializer=cv2.setNumThreads, initargs=(0,)
    ) as pool:
        futures = {pool.submit(work, videos[index]): index for index in order}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def videos_of_dataset(dataset: Any) -> list[GroundTruthVideo]:
    """The annotated frames of a data set of MMVOS's (``dataset.get_data_info(i)``), in whatever layout it reads."""
    videos = []
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        names = info.get('frame_names') or [os.path.splitext(os.path.basename(f))[0] for f in info['frames']]
        counted = info.get('eval_frames')
        indices = [k for k in sorted(info['annotations']) if counted is None or k in counted]
        annotations = [_Loaded(info['annotations'][k], info.get('label_options') or {}) for k in indices]
        videos.append(
            GroundTruthVideo(info['video_id'], [names[k] for k in indices], annotations, indices, group=info.get('group'))
        )
    return videos


class _Loaded:
    """An annotation of a data set, read when it is asked for."""

    def __init__(self, source: Any, options: dict) -> None:
        self.source, self.options = source, options

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if isinstance(self.source, (str, os.PathLike)):
            label_map = read_label_map(self.source, **self.options)
        else:
            label_map = np.asarray(self.source)
        return label_map if dtype is None else label_map.astype(dtype)
