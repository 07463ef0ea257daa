"""LVOS: long videos, in which objects come late and are annotated in a range of frames each (Hong et al., ICCV 2023; v2:
arXiv 2404.19326).

As the official evaluator counts: every object by itself, in the annotated frames of its range but the first (where it is given)
and the last; means over objects, apart for videos of seen and of unseen categories, and the mean of both.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mmvos.structures import InputError

from .boundary import BOUND_TH
from .frames import score_objects
from .scorer import EveryFrame, Row, ids_in, mark_phantoms, same_size

#: groups of videos; a data set that does not tell them has one, 'all'
GROUPS = ('seen', 'unseen', 'all')


class LVOSVideo(EveryFrame):
    """One video.

    Args:
        object_frames (Mapping[int, Sequence[int]]): positions of the annotated frames of each object's range, in order, by
            object id.
        group (str | None): ``'seen'`` or ``'unseen'``; None: the data set does not tell.
        bound_th (float): tolerance of F, see :func:`boundary_radius`.

    Raises:
        InputError: no object.
    """

    def __init__(
        self, object_frames: Mapping[int, Sequence[int]], group: str | None = None, bound_th: float = BOUND_TH
    ) -> None:
        if not object_frames:
            raise InputError('LVOS needs the range of frames of every object, which this data set does not list.')
        self.counted = {object_id: frozenset(frames[1:-1]) for object_id, frames in sorted(object_frames.items())}
        self.group, self.bound_th = group or 'all', bound_th
        self.scores: dict[int, list[tuple[float, float]]] = {object_id: [] for object_id in self.counted}
        self._unseen = set(self.counted)

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score an annotated frame, see :class:`Scorer`."""
        gt, pred = same_size(gt, pred)
        self._unseen -= ids_in(gt)
        objects = [object_id for object_id, frames in self.counted.items() if index in frames]
        for object_id, j, f in zip(objects, *score_objects(gt, pred, objects, self.bound_th), strict=True):
            self.scores[object_id].append((j, f))

    def result(self) -> list[Row]:
        """One row per object that has a frame that counts; ``V-Mean`` is the deviation of (J + F) / 2 over the frames."""
        rows = []
        for object_id, scores in self.scores.items():
            if scores:
                j, f = np.mean(scores, axis=0)
                variance = float(np.var(np.mean(scores, axis=1)))
                figures = {'J-Mean': float(j), 'F-Mean': float(f), 'V-Mean': math.sqrt(round(variance, 4))}
                rows.append(dict(object=object_id, group=self.group, frames=len(scores), **figures))
        return mark_phantoms(rows, self._unseen)


def lvos_summary(rows: Iterable[Row]) -> dict[str, float]:
    """The official figures from the rows of all objects of all videos.

    Returns:
        ``J&F-Mean``; ``J-Mean``, ``F-Mean`` and ``V-Mean`` (lower is better), each the mean over the groups of videos; and,
        where the data set names groups, the figures of each as ``J-seen-Mean`` and so on.

    Raises:
        InputError: no rows.
    """
    rows = list(rows)
    if not rows:
        raise InputError('no object was scored.')
    groups = [group for group in GROUPS if any(row['group'] == group for row in rows)]
    summary: dict[str, float] = {}
    for measure in 'JFV':
        means = [float(np.mean([row[f'{measure}-Mean'] for row in rows if row['group'] == group])) for group in groups]
        summary[f'{measure}-Mean'] = float(np.mean(means))
        if groups != ['all']:
            summary.update({f'{measure}-{group}-Mean': mean for group, mean in zip(groups, means, strict=True)})
    return {'J&F-Mean': (summary['J-Mean'] + summary['F-Mean']) / 2, **summary}
