"""Scoring predictions that lie in files: one video after the other, in several processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any

import cv2
import numpy as np

from mmvos.structures import InputError, MissingFileError, placed
from mmvos.videos import LabelSource
from mmvos.videos.archive import MaskFiles
from mmvos.videos.layouts import AnnotatedVideo

from .functional.scorer import Row
from .scoring import Scoring, VideoFacts

#: called with the number of frames that are done and the number of all
Progress = Callable[[int, int], Any]


def silent(done: int, total: int) -> None:  # noqa: ARG001  (as every Progress is called)
    """A :data:`Progress` that is not shown."""


def score_video(video: AnnotatedVideo, predictions: MaskFiles, scoring: Scoring) -> list[Row]:
    """Score one video; every file is read once, for all its objects.

    Args:
        video (AnnotatedVideo): the annotated frames.
        predictions (MaskFiles): predictions of all videos.
        scoring (Scoring): how the protocol counts.

    Returns:
        Rows of the video's objects.

    Raises:
        InputError: naming the files of the frame.
    """
    first_frames = {object_id: frames[0] for object_id, frames in video.object_frames.items() if frames}
    facts = VideoFacts(video.video_id, len(video.frames), video.categories, video.object_frames, first_frames, video.group)
    folder = predictions.folder_of(video.video_id)
    predictions.check(folder)
    try:
        scorer = scoring.scorer(facts)
    except InputError as error:
        raise placed(error, video.video_id) from error
    for position, frame in enumerate(video.frames):
        source, gt, pred = video.annotations[position], None, None
        if scorer.needs_annotation(position):
            gt = source.read()
        if scorer.needs_prediction(position):
            shape = None if gt is None or scoring.resized else gt.shape
            pred = predictions.read(folder, frame, shape)
            if gt is not None and pred.shape != gt.shape:
                pred = np.asarray(cv2.resize(pred, gt.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
        try:
            scorer.update(position, gt, pred)
        except InputError as error:
            names = [source.name] if pred is None else [predictions.name_of(folder, frame), f'annotation {source.name}']
            raise placed(error, ', '.join(names)) from error
    return [dict(video=video.video_id, **row) for row in scorer.result()]


def score_videos(
    videos: Sequence[AnnotatedVideo],
    predictions: MaskFiles,
    scoring: Scoring,
    num_workers: int = 1,
    progress: Progress = silent,
) -> list[Row]:
    """Score all videos of a data set.

    Args:
        videos (Sequence[AnnotatedVideo]): see :mod:`mmvos.videos.layouts`.
        predictions (MaskFiles): predictions of all videos.
        scoring (Scoring): how the protocol counts.
        num_workers (int): processes; the longest videos come first.
        progress (Progress): called after every video.

    Returns:
        Rows of all objects in the order of the videos.
    """
    missing = []
    for video in videos:  # before the work begins
        try:
            predictions.folder_of(video.video_id)
        except MissingFileError as error:
            missing.append((video.video_id, error))
    if missing:
        also = f' (and of {len(missing) - 1} more: {", ".join(name for name, _ in missing[1:6])})' if missing[1:] else ''
        raise MissingFileError(f'{missing[0][1]}{also}') from missing[0][1]
    work = partial(score_video, predictions=predictions, scoring=scoring)
    order = sorted(range(len(videos)), key=lambda i: -len(videos[i].frames))
    rows: dict[int, list[Row]] = {}
    done, total = 0, sum(len(video.frames) for video in videos)
    for index, result in _in_processes(work, videos, order, min(num_workers, len(videos))):
        rows[index] = result
        done += len(videos[index].frames)
        progress(done, total)
    return [row for index in range(len(videos)) for row in rows[index]]


def _in_processes(
    work: Callable[[Any], Any], videos: Sequence[Any], order: Iterable[int], num_workers: int
) -> Iterator[tuple[int, Any]]:
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


def videos_of_dataset(dataset: Any) -> list[AnnotatedVideo]:
    """The annotated frames of a data set of MMVOS's (``dataset.get_data_info(i)``), in whatever layout it reads."""
    videos = []
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        names = info.get('frame_names') or [os.path.splitext(os.path.basename(f))[0] for f in info['frames']]
        counted = info.get('eval_frames')
        indices = [k for k in sorted(info['annotations']) if counted is None or k in counted]
        annotations = [LabelSource.of(info['annotations'][k]) for k in indices]
        videos.append(AnnotatedVideo(info['video_id'], [names[k] for k in indices], annotations, group=info.get('group')))
    return videos
