"""Precision and recall of the starting points of a search."""

import math

import numpy as np

from mmvos.evaluation.functional import StartingPointScores, rate_starting_points


def strip(first, last):
    mask = np.zeros((4, 20), bool)
    mask[:, first:last] = True
    return mask


def test_a_point_is_right_if_its_mask_is_that_of_its_own_object():
    truth = {1: {0: strip(0, 8), 1: strip(10, 18)}, 2: {0: strip(1, 9)}, 3: {}}
    rounds = [
        [(1, 0, (0, 8)), (2, 1, (1, 9))],  # right; the other object's mask
        [(1, 0, (0, 4)), (1, 1, (10, 13)), (2, 0, (1, 9)), (4, 0, (0, 8))],  # IoU 0.5; 0.375; right; not annotated
        [],
    ]
    asked = []

    def masks_of(frame, boxes):
        asked.append(frame)
        return [strip(*box) for box in boxes]

    first, second, third = rate_starting_points(rounds, masks_of, truth)
    assert (first.precision, first.recall) == (1 / 2, 1 / 3)
    assert (second.precision, second.recall) == (2 / 3, 2 / 3)
    assert math.isnan(third.precision) and third.recall == 0
    assert asked == [1, 2, 1, 2]  # once for each frame
    assert first + second == StartingPointScores(5, 3, 6)
