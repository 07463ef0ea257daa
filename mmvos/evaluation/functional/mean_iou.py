"""Mean IoU of SegTrack v2, YouTube-Objects and FBMS-59: region similarity alone, on frames that may be sparse."""

from collections.abc import Iterable

import numpy as np
from typing_extensions import override

from mmvos.structures import InputError

from .region import jaccard
from .scorer import EveryFrame, Row, ids_in, same_size
from .statistics import nan_mean


class MeanIoUVideo(EveryFrame):
    """One video: J of the annotated frames.

    Args:
        objects (str): ``'union'``: everything that is not 0 is one foreground; ``'each'``: every object id is a binary problem
            of its own (void is background).
        skip_first (bool): whether the first annotated frame does not count (it is given to a semi-supervised method).
        group (str | None): a key for means of means, such as the class of YouTube-Objects.

    Raises:
        InputError: unknown ``objects``.
    """

    def __init__(self, objects: str = 'union', skip_first: bool = False, group: str | None = None) -> None:
        if objects not in ('union', 'each'):
            raise InputError(f"objects={objects!r}: expected 'union' or 'each'.")
        self.objects, self.skip_first, self.group = objects, skip_first, group
        self.values: dict[int, list[float]] = {}
        self.frames = 0
        self._predicted: list[set[int]] = []  # ids, per frame that counts

    @override
    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score an annotated frame, see :class:`Scorer`."""
        gt, pred = same_size(gt, pred)
        self.frames += 1
        if self.objects == 'union':
            gt, pred = (gt > 0).astype(np.uint8), (pred > 0).astype(np.uint8)
        present = {1} if self.objects == 'union' else ids_in(gt)
        for object_id in present - set(self.values):  # the object was in none of the frames before
            self.values[object_id] = [float(object_id not in predicted) for predicted in self._predicted]
        if self.frames > self.skip_first:
            for object_id, values in self.values.items():
                values.append(jaccard(gt == object_id, pred == object_id))
            self._predicted.append(set(np.flatnonzero(np.bincount(pred.ravel())).tolist()))

    def result(self) -> list[Row]:
        """One row per object (``'union'``: one) that has a frame that counts."""
        return [
            dict(
                object=object_id,
                frames=len(values),
                **({'class': self.group} if self.group is not None else {}),
                **{'J-Mean': float(np.mean(values))},
            )
            for object_id, values in sorted(self.values.items())
            if values
        ]


def mean_iou_summary(rows: Iterable[Row], average: str | None = None) -> dict[str, float]:
    """Means over videos, classes and frames.

    Args:
        rows (Iterable[dict]): rows of all videos, with ``video`` and, where the data set has classes, ``class``.
        average (str | None): what ``mIoU`` is: ``'object'`` (mean over rows, i.e. over videos where objects are united), or
            ``'class'`` (mean over a video's objects, over the videos of a class, over classes). Default: ``'class'``
            where there are classes, else ``'object'``.

    Returns:
        ``mIoU``; ``frame_mean``: all frames of all objects pooled; ``video_mean``: mean over videos; with classes
        ``class_mean`` and ``<class>`` of each.

    Raises:
        InputError: no rows, unknown ``average``, or ``'class'`` for a data set without classes.
    """
    rows = list(rows)
    if not rows:
        raise InputError('no object was scored.')
    if average not in (None, 'object', 'class'):
        raise InputError(f"average={average!r}: expected 'object' or 'class'.")
    videos: dict[str, list[float]] = {}
    classes: dict[str, list[float]] = {}
    for row in rows:
        videos.setdefault(row['video'], []).append(row['J-Mean'])
    class_of = {row['video']: row['class'] for row in rows if 'class' in row}
    for video, values in videos.items():
        if video in class_of:
            classes.setdefault(class_of[video], []).append(float(np.mean(values)))
    frames = np.array([row['frames'] for row in rows])
    means = dict(object=nan_mean([row['J-Mean'] for row in rows]))
    summary = dict(
        frame_mean=float(np.average([row['J-Mean'] for row in rows], weights=frames)),
        video_mean=float(np.mean([np.mean(values) for values in videos.values()])),
    )
    if classes:
        per_class = {name: float(np.mean(values)) for name, values in sorted(classes.items())}
        means['class'] = float(np.mean(list(per_class.values())))
        summary.update(class_mean=means['class'], **per_class)
    average = average or ('class' if classes else 'object')
    if average not in means:
        raise InputError("average='class': the videos of this data set have no classes.")
    return dict(mIoU=means[average], **summary)
