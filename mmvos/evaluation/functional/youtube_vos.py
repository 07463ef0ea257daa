"""YouTube-VOS: J and F of the objects of seen and of unseen categories (Xu et al., 2018, and youtube-vos.org).

The server's code is not public. What is public: scores are means over the objects of a group, of seen and of unseen
categories, and the overall score is the mean of the four. Which frames of an object count is a choice; it is made here by
``first`` and ``last`` and named in every report.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from mmvos.structures import InputError

from .boundary import BOUND_TH
from .frames import score_objects
from .scorer import EveryFrame, Row, ids_in, mark_phantoms, same_size

#: the categories of the training set
SEEN_CATEGORIES = frozenset(
    [
        'airplane',
        'ape',
        'bear',
        'bike',
        'bird',
        'boat',
        'bucket',
        'bus',
        'camel',
        'cat',
        'cow',
        'crocodile',
        'deer',
        'dog',
        'dolphin',
        'duck',
        'eagle',
        'earless_seal',
        'elephant',
        'fish',
        'fox',
        'frisbee',
        'frog',
        'giant_panda',
        'giraffe',
        'hand',
        'hat',
        'hedgehog',
        'horse',
        'knife',
        'leopard',
        'lion',
        'lizard',
        'monkey',
        'motorbike',
        'mouse',
        'others',
        'owl',
        'paddle',
        'parachute',
        'parrot',
        'penguin',
        'person',
        'plant',
        'rabbit',
        'raccoon',
        'sedan',
        'shark',
        'sheep',
        'sign',
        'skateboard',
        'snail',
        'snake',
        'snowboard',
        'squirrel',
        'surfboard',
        'tennis_racket',
        'tiger',
        'toilet',
        'train',
        'truck',
        'turtle',
        'umbrella',
        'whale',
        'zebra',
    ]
)


def category_group(category: str | None) -> str:
    """``'seen'`` or ``'unseen'``; ``'all'`` where a data set has no categories."""
    if category is None:
        return 'all'
    name = category.strip().lower().replace(' ', '_')
    return 'seen' if name.replace('gaint_panda', 'giant_panda') in SEEN_CATEGORIES else 'unseen'


class YouTubeVOSVideo(EveryFrame):
    """One video: only annotated frames are scored, every object in the frames after its first.

    Predictions of an object before its first frame are ignored; frames where it is gone later count (nothing predicted
    of nothing is 1). Void pixels of an annotation belong to no object and are not masked.

    Args:
        categories (Mapping[int, str] | None): ``{object id: category}``; None: the objects are those of the annotations.
        first_frames (Mapping[int, int] | None): ``{object id: index of the frame where its mask is given}``. Default: the first
            annotated frame that shows it.
        first (str): ``'exclude'``: the object's first frame does not count; ``'include'``: it does.
        last (str): ``'include'``: the last annotated frame of the video counts; ``'exclude'``: it does not.
        bound_th (float): tolerance of F, see :func:`boundary_radius`.
    """

    def __init__(
        self,
        categories: Mapping[int, str] | None = None,
        first_frames: Mapping[int, int] | None = None,
        first: str = 'exclude',
        last: str = 'include',
        bound_th: float = BOUND_TH,
    ) -> None:
        check_convention(first, last)
        self.categories = {int(k): v for k, v in categories.items()} if categories else None
        self.first_frames = {int(k): int(v) for k, v in (first_frames or {}).items()}
        self.first, self.last, self.bound_th = first, last, bound_th
        self.scores: dict[int, list[tuple]] = {object_id: [] for object_id in self.categories or ()}
        self.last_frame = -1
        self._unseen = set(self.scores)

    def update(self, index: int, gt: np.ndarray | None, pred: np.ndarray | None) -> None:
        """Score an annotated frame, see :class:`Scorer`."""
        gt, pred = same_size(gt, pred)
        self.last_frame = index
        present = ids_in(gt)
        self._unseen -= present
        for object_id in sorted(present):
            if self.categories is None or object_id in self.categories:
                self.first_frames.setdefault(object_id, index)
                self.scores.setdefault(object_id, [])
        started = [
            object_id
            for object_id in self.scores
            if self.first_frames.get(object_id, index + 1) < index + (self.first == 'include')
        ]
        if started:
            for object_id, j, f in zip(started, *score_objects(gt, pred, started, self.bound_th), strict=True):
                self.scores[object_id].append((index, j, f))

    def result(self) -> list[Row]:
        """One row per object that has a frame that counts."""
        rows = []
        for object_id, scores in sorted(self.scores.items()):
            counted = [s[1:] for s in scores if self.last == 'include' or s[0] != self.last_frame]
            if counted:
                category = self.categories[object_id] if self.categories else None
                j, f = np.mean(counted, axis=0)
                rows.append(
                    dict(
                        object=object_id,
                        category=category,
                        group=category_group(category),
                        frames=len(counted),
                        **{'J-Mean': float(j), 'F-Mean': float(f)},
                    )
                )
        return mark_phantoms(rows, self._unseen)


def youtube_vos_summary(rows: Iterable[Row]) -> dict[str, float]:
    """The official figures from the rows of all objects of all videos.

    Returns:
        ``overall``, then ``J_seen``, ``J_unseen``, ``F_seen``, ``F_unseen`` (those of groups that have an object, and
        ``J_all``, ``F_all`` for objects without a category). ``overall`` is the mean of the figures that are there.

    Raises:
        InputError: no rows.
    """
    rows = list(rows)
    if not rows:
        raise InputError('no object was scored.')
    scores = {}
    for measure in 'JF':
        for group in ('seen', 'unseen', 'all'):
            values = [row[f'{measure}-Mean'] for row in rows if row['group'] == group]
            if values:
                scores[f'{measure}_{group}'] = float(np.mean(values))
    return dict(overall=float(np.mean(list(scores.values()))), **scores)


def check_convention(first: str, last: str) -> None:
    """Raise InputError for a choice of frames that does not exist."""
    for name, value in (('first', first), ('last', last)):
        if value not in ('include', 'exclude'):
            raise InputError(f"{name}={value!r}: expected 'include' or 'exclude'.")
