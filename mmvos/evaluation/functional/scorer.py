"""What every protocol's scorer of one video offers."""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from typing_extensions import override

from mmvos.structures import VOID, InputError

#: figures of one object, by their official names
Row = dict[str, Any]

#: what stands in a row of an object that no annotation shows
PHANTOM = 'no pixel in any annotation'


class Scorer(Protocol):
    """Scores one video: frames come in order, results at the end. Nothing is kept of a frame but its figures."""

    def needs_annotation(self, index: int) -> bool:
        """Whether the annotation of a frame is looked at."""
        ...

    def needs_prediction(self, index: int) -> bool:
        """Whether the prediction of a frame is looked at."""
        ...

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score a frame.

        Args:
            index (int): position of the frame.
            gt (ndarray | None): annotation, uint8 ``(H, W)``; None where it is not needed.
            pred (ndarray | None): prediction, likewise.

        Raises:
            InputError: label maps of two sizes, or ids that the protocol does not allow.
        """
        ...

    def result(self) -> list[Row]:
        """One row per object: ``object`` (its id), ``frames`` (how many count) and figures."""
        ...


class EveryFrame(Scorer):
    """A scorer that looks at whatever frames it is given."""

    @override
    def needs_annotation(self, index: int) -> bool:
        """Always."""
        return True

    @override
    def needs_prediction(self, index: int) -> bool:
        """Always."""
        return True


def ids_in(label_map: np.ndarray) -> set[int]:
    """Ids of the objects in a label map, without background and void."""
    return set(np.flatnonzero(np.bincount(label_map.ravel(), minlength=256)[:VOID]).tolist()) - {0}


def largest_id(label_map: np.ndarray) -> int:
    """The largest id in a label map, void left out; 0 where there is none."""
    return int(np.max(label_map, initial=0, where=label_map != VOID))


def mark_phantoms(rows: Iterable[Row], unseen: set[int]) -> list[Row]:
    """Rows, in which objects that no annotation shows are marked: they score 1 where nothing is predicted."""
    return [dict(row, note=PHANTOM) if row['object'] in unseen else row for row in rows]


def phantom_warnings(rows: Iterable[Row]) -> list[str]:
    """One sentence if rows are marked by :func:`mark_phantoms`."""
    rows = list(rows)
    phantoms = [f'{row.get("video", "")} {row["object"]}'.strip() for row in rows if row.get('note') == PHANTOM]
    if not phantoms:
        return []
    return [
        f'{len(phantoms)} of {len(rows)} objects have {PHANTOM} and score 1 in every frame where nothing is predicted of them: '
        f'{", ".join(phantoms[:5])}{", ..." if phantoms[5:] else ""}. Are the ids of the first annotation 1, 2, ...?'
    ]


def same_size(gt: np.ndarray | None, pred: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Both label maps, if they are ``(H, W)`` of one size.

    Raises:
        InputError: they are not, or one is missing.
    """
    if gt is None or pred is None:
        raise InputError(f'the {"annotation" if gt is None else "prediction"} is missing.')
    if gt.ndim != 2 or pred.ndim != 2:
        raise InputError(f'expected label maps (H, W); the annotation is {gt.shape}, the prediction {pred.shape}.')
    if gt.shape != pred.shape:
        raise InputError(
            f'the prediction is {pred.shape[1]}x{pred.shape[0]}, the annotation is '
            f'{gt.shape[1]}x{gt.shape[0]} (width x height).'
        )
    return gt, pred
