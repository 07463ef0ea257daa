"""Which slot of a network with a fixed number of them shows which object.

The protocol of RVOS's published scores: an object gets its slot in the frame of its prompt, also where the network itself
was not prompted.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmvos.structures.errors import InputError


def jaccard_costs(objects: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """``1 - Jaccard`` of every object with every slot; two empty masks agree.

    Args:
        objects (ndarray): bool ``(N, H, W)``.
        slots (ndarray): bool ``(K, H, W)``.

    Returns:
        Costs float64 ``(N, K)``.
    """
    objects = objects.reshape(len(objects), -1).astype(np.float64)
    slots = slots.reshape(len(slots), -1).astype(np.float64)
    overlap = objects @ slots.T
    union = objects.sum(1)[:, None] + slots.sum(1)[None] - overlap
    return 1 - np.divide(overlap, union, out=np.ones_like(overlap), where=union > 0)


def choose_slots(known: Sequence[int], costs: np.ndarray) -> tuple[list[int], list[float]]:
    """Slots of the objects that begin in this frame, by the Hungarian algorithm.

    Args:
        known (Sequence[int]): the slot of each object that began earlier; it keeps it.
        costs (ndarray): costs ``(M, K)`` of the new objects, see :func:`jaccard_costs`.

    Returns:
        For each new object its slot and the cost at it.

    Raises:
        InputError: more objects than slots.
    """
    new, total = costs.shape
    if len(known) + new > total:
        raise InputError(f'{len(known) + new} objects for {total} slots: let the network run more slots.')
    matrix = np.ones((len(known) + new, total))
    matrix[np.arange(len(known)), list(known)] = 0
    matrix[len(known) :] = costs
    rows, columns = linear_sum_assignment(matrix)
    slot_of = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    slots = [slot_of[len(known) + i] for i in range(new)]
    return slots, [float(costs[i, slot]) for i, slot in enumerate(slots)]
