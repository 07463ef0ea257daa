"""The DAVIS protocols, one frame at a time: 2016 (one object), 2017 semi-supervised, 2017 / 2019 unsupervised.

Which frames count: 2016 and 2017 semi-supervised leave out the first and the last frame of a sequence, unsupervised
counts all. The objects are those of a sequence's first annotation; results are means over all objects of all sequences.
"""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmvos.structures import VOID, InputError

from .boundary import BOUND_TH
from .frames import score_objects, score_pairs
from .scorer import EveryFrame, Row, ids_in, largest_id, mark_phantoms, same_size
from .statistics import nan_mean, statistics
from .temporal import Contour, contour_of, temporal_instability

#: sequences of DAVIS 2016 whose contours are not broken up by occlusions, on which T is defined
TEMPORAL_SEQUENCES = (
    # val
    'blackswan',
    'camel',
    'car-roundabout',
    'car-shadow',
    'cows',
    'drift-straight',
    'kite-surf',
    'paragliding-launch',
    'scooter-black',
    'soapbox',
    # train
    'bear',
    'boat',
    'bus',
    'car-turn',
    'dance-jump',
    'drift-turn',
    'elephant',
    'flamingo',
    'hike',
    'hockey',
    'kite-walk',
    'mallard-water',
    'motocross-bumps',
    'rhino',
    'stroller',
    'surf',
    'train',
)

#: brings T into the range of J and F
TEMPORAL_SCALE = 5.0


class DAVIS2016Sequence:
    """One sequence with one object: everything that is not 0 is foreground, in the annotation and in the prediction.

    Args:
        num_frames (int): number of frames of the sequence; at least 3.
        temporal (bool): whether T (temporal instability of the predicted contour) is measured too.
        bound_th (float): tolerance of F, see :func:`boundary_radius`.
    """

    def __init__(self, num_frames: int, temporal: bool = False, bound_th: float = BOUND_TH) -> None:
        _check_length(num_frames, 3)
        self.num_frames, self.temporal, self.bound_th = num_frames, temporal, bound_th
        self.j, self.f, self.t = np.full((3, num_frames), np.nan)
        self._contour: Contour | None = None

    def needs_annotation(self, index: int) -> bool:
        """All but the first and the last frame."""
        return 0 < index < self.num_frames - 1

    needs_prediction = needs_annotation

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score a frame, see :class:`Scorer`."""
        if not self.needs_annotation(index):
            return
        gt, pred = same_size(gt, pred)
        gt, pred = (gt > 0).astype(np.uint8), (pred > 0).astype(np.uint8)
        (self.j[index],), (self.f[index],) = score_objects(gt, pred, (1,), self.bound_th)
        if self.temporal:
            contour = contour_of(pred)
            if index > 1:  # the pair (k, k + 1) is frame k's
                self.t[index - 1] = TEMPORAL_SCALE * temporal_instability(self._contour, contour)
            self._contour = contour

    def result(self) -> list[Row]:
        """One row with the statistics of the object."""
        row: Row = dict(object=1, frames=self.num_frames - 2, **_table(self.j[1:-1], self.f[1:-1]))
        if self.temporal:
            row['T-Mean'] = nan_mean(self.t)
        return [row]


class DAVISSemiSequence:
    """One sequence, semi-supervised: objects are known by their ids; void is background and is not masked.

    Args:
        num_frames (int): number of frames of the sequence; at least 3.
        strict (bool): whether a predicted id that the first annotation does not have is an error (the official evaluator of
            DAVIS stops there); else such pixels are background.
        bound_th (float): tolerance of F, see :func:`boundary_radius`.
        gaps (bool): whether an id that the first annotation skips is an object without pixels, as in DAVIS, where objects are
            1 to the largest id; else objects are those that it shows, as in MOSE.
    """

    def __init__(self, num_frames: int, strict: bool = True, bound_th: float = BOUND_TH, gaps: bool = True) -> None:
        _check_length(num_frames, 3)
        self.num_frames, self.strict, self.bound_th, self.gaps = num_frames, strict, bound_th, gaps
        self.object_ids: list[int] = []
        self._unseen: set[int] = set()

    def needs_annotation(self, index: int) -> bool:
        """All but the last frame."""
        return index < self.num_frames - 1

    def needs_prediction(self, index: int) -> bool:
        """All but the first and the last frame."""
        return 0 < index < self.num_frames - 1

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score a frame, see :class:`Scorer`."""
        if index == 0 and gt is not None:
            self._start(gt)
        elif self.needs_prediction(index):
            gt, pred = same_size(gt, pred)
            gt = np.where(gt == VOID, np.uint8(0), gt)
            pred = self._allowed(pred)
            if self._unseen:
                self._unseen -= ids_in(gt)
            self.j[:, index], self.f[:, index] = score_objects(gt, pred, self.object_ids, self.bound_th)

    def _start(self, gt: np.ndarray) -> None:
        present = ids_in(gt)
        self.object_ids = list(range(1, largest_id(gt) + 1)) if self.gaps else sorted(present)
        if not self.object_ids:
            void = ' All that it holds is void (255).' if gt.any() else ''
            raise InputError(f'the first annotation holds no object (pixel value 1..254).{void}')
        self._unseen = set(self.object_ids) - present
        self.j, self.f = np.full((2, len(self.object_ids), self.num_frames), np.nan)

    def _allowed(self, pred: np.ndarray) -> np.ndarray:
        """The prediction with ids of objects only."""
        largest = int(pred.max(initial=0))
        if largest <= self.object_ids[-1]:
            return pred
        if self.strict:
            raise InputError(
                f'the prediction has object {largest}, the first annotation only objects 1..{self.object_ids[-1]}.'
            )
        return np.where(pred > self.object_ids[-1], np.uint8(0), pred)

    def result(self) -> list[Row]:
        """One row of statistics per object."""
        rows = [
            dict(object=object_id, frames=self.num_frames - 2, **_table(j[1:-1], f[1:-1]))
            for object_id, j, f in zip(self.object_ids, self.j, self.f, strict=True)
        ]
        return mark_phantoms(rows, self._unseen)


class DAVISUnsupSequence(EveryFrame):
    """One sequence, unsupervised: proposals with ids of their own are matched to the objects over the whole sequence.

    The match is the one with the largest sum of (mean J + mean F) / 2. Void is masked in both. Rows of
    :meth:`result` are the objects in the order of their ids (the official table lists them by proposal).

    Args:
        num_frames (int): number of frames of the sequence.
        max_proposals (int): more of them are an error, as in the official evaluator.
        bound_th (float): tolerance of F, see :func:`boundary_radius`.
    """

    def __init__(self, num_frames: int, max_proposals: int = 20, bound_th: float = BOUND_TH) -> None:
        _check_length(num_frames, 1)
        self.num_frames, self.max_proposals, self.bound_th = num_frames, max_proposals, bound_th
        self.num_objects = 0
        self._j: np.ndarray = np.zeros((1, 0, num_frames))
        self._f = self._j
        self._unseen: set[int] = set()

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score a frame, see :class:`Scorer`.

        Raises:
            InputError: a proposal with an id above ``max_proposals``.
        """
        gt, pred = same_size(gt, pred)
        if index == 0:
            self._start(gt)
        if self._unseen:
            self._unseen -= ids_in(gt)
        largest = int(pred.max(initial=0))
        if largest > self.max_proposals:
            raise InputError(
                f'the prediction has id {largest}; at most {self.max_proposals} proposals with ids '
                f'1..{self.max_proposals} are allowed.'
            )
        new = largest + 1 - len(self._j)
        if new > 0:
            self._j, self._f = (np.concatenate([x, np.repeat(x[:1], new, 0)]) for x in (self._j, self._f))
        # One proposal more than there are, so without pixels: what a proposal scores before it is met.
        j, f = score_pairs(gt, np.where(gt == VOID, np.uint8(0), pred), self.num_objects, len(self._j), self.bound_th)
        self._j[:, :, index], self._f[:, :, index] = np.roll(j, 1, 0), np.roll(f, 1, 0)

    def _start(self, gt: np.ndarray) -> None:
        self.num_objects = largest_id(gt)
        if not self.num_objects:
            raise InputError('the first annotation holds no object (pixel value 1..254).')
        self._unseen = set(range(1, self.num_objects + 1))
        # row 0: an empty proposal; row p: proposal p, from the first frame on in which an id >= p was met
        self._j, self._f = np.zeros((2, 1, self.num_objects, self.num_frames))

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """J and F of every proposal against every object in every frame, float64 ``(L, K, frames)``, L >= K."""
        missing = max(self.num_objects + 1 - len(self._j), 0)
        j, f = (np.concatenate([x[1:], np.repeat(x[:1], missing, 0)]) for x in (self._j, self._f))
        return j, f

    def result(self) -> list[Row]:
        """One row of statistics per object, ``proposal`` being the id that was matched to it."""
        j, f = self.scores()
        proposals, objects = linear_sum_assignment((j.mean(2) + f.mean(2)) / 2, maximize=True)
        order = np.argsort(objects)
        rows = [
            dict(object=int(k) + 1, proposal=int(p) + 1, frames=self.num_frames, **_table(j[p, k], f[p, k]))
            for p, k in zip(proposals[order], objects[order], strict=True)
        ]
        return mark_phantoms(rows, self._unseen)


def davis_summary(rows: Iterable[Row]) -> dict[str, float]:
    """The official figures from the rows of all objects of all sequences: plain means over objects.

    Returns:
        ``J&F-Mean``, ``J-Mean``, ``J-Recall``, ``J-Decay``, ``F-Mean``, ``F-Recall``, ``F-Decay``, and ``T-Mean`` where
        a sequence has it.

    Raises:
        InputError: no rows.
    """
    rows = list(rows)
    if not rows:
        raise InputError('no object was scored.')
    keys = [f'{measure}-{kind}' for measure in 'JF' for kind in ('Mean', 'Recall', 'Decay')]
    means = {key: float(np.mean([row[key] for row in rows])) for key in keys}
    summary = {'J&F-Mean': (means['J-Mean'] + means['F-Mean']) / 2, **means}
    temporal = [row['T-Mean'] for row in rows if 'T-Mean' in row]
    if temporal:
        summary['T-Mean'] = nan_mean(temporal)
    return summary


def _table(j: np.ndarray, f: np.ndarray) -> dict[str, float]:
    return {
        f'{measure}-{kind}': value
        for measure, values in (('J', j), ('F', f))
        for kind, value in zip(('Mean', 'Recall', 'Decay'), statistics(values), strict=True)
    }


def _check_length(num_frames: int, least: int) -> None:
    if num_frames < least:
        raise InputError(f'{num_frames} frames; this protocol needs at least {least}.')
