"""Precision and recall of the starting points of a search through a video (DyeNet, Table 2)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .region import jaccard


@dataclass
class StartingPointScores:
    """How many starting points there were, were right, and could have been.

    The paper does not define its two figures. Here a starting point is right if its mask overlaps the annotation of its object
    by an IoU of at least 0.5. Recall counts all masks of the annotation, except for the frame of the given one and those
    before.

    Attributes:
        found (int): starting points in annotated frames.
        correct (int): those that were right.
        masks (int): objects in annotated frames, which all could have been found.
    """

    found: int = 0
    correct: int = 0
    masks: int = 0

    @property
    def precision(self) -> float:
        """Share of the starting points that are right; NaN if there is none."""
        return self.correct / self.found if self.found else float('nan')

    @property
    def recall(self) -> float:
        """Share of all masks that a starting point found; NaN if there is no mask."""
        return self.correct / self.masks if self.masks else float('nan')

    def __add__(self, other: 'StartingPointScores') -> 'StartingPointScores':
        return StartingPointScores(self.found + other.found, self.correct + other.correct, self.masks + other.masks)


def rate_starting_points(
    rounds: Iterable[Sequence[tuple[int, int, Any]]],
    masks_of: Callable[[int, list[Any]], Sequence[np.ndarray]],
    truth: Mapping[int, Mapping[int, np.ndarray]],
    min_iou: float = 0.5,
) -> list[StartingPointScores]:
    """Scores of the starting points of every round, before those whose place is taken are skipped.

    Args:
        rounds (Iterable): starting points of each round: frame, object, and the box or anything else that identifies its mask.
        masks_of (Callable): bool masks ``(H, W)`` of starting points of a frame, from the frame and their boxes.
        truth (Mapping): annotated masks ``(H, W)`` by frame and object, without frames in which an object is given or absent.
        min_iou (float): least IoU of a right mask.
    """
    total = sum(len(objects) for objects in truth.values())
    scores = []
    for points in rounds:
        by_frame: dict[int, list[tuple[int, Any]]] = {}
        for frame, instance, box in points:
            if frame in truth:
                by_frame.setdefault(frame, []).append((instance, box))
        score = StartingPointScores(masks=total)
        for frame, found in by_frame.items():
            masks = masks_of(frame, [box for _, box in found])
            for (instance, _), mask in zip(found, masks, strict=True):
                annotated = truth[frame].get(instance)
                score.found += 1
                score.correct += annotated is not None and jaccard(mask, annotated) >= min_iou
        scores.append(score)
    return scores
