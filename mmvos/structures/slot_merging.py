"""From the masks of a fixed number of slots to label maps: which slot shows which object, and who wins an overlap.

The protocol of RVOS's published scores: slots are chosen by the first annotation of each object (also where the network
itself was not prompted), and objects are painted so that the one that was found best at its annotation ends on top.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmvos.structures.label_map import object_ids_of


def jaccard_costs(objects: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """``1 - Jaccard`` of every object with every slot; two empty masks agree.

    Args:
        objects: bool ``(N, H, W)``.
        slots: bool ``(K, H, W)``.

    Returns:
        float64 ``(N, K)``.
    """
    objects = objects.reshape(len(objects), -1).astype(np.float64)
    slots = slots.reshape(len(slots), -1).astype(np.float64)
    overlap = objects @ slots.T
    union = objects.sum(1)[:, None] + slots.sum(1)[None] - overlap
    return 1 - np.divide(overlap, union, out=np.ones_like(overlap), where=union > 0)


def choose_slots(known: Sequence[int], costs: np.ndarray) -> tuple[list[int], list[float]]:
    """Slots of the objects that begin in this frame, by the Hungarian algorithm.

    Args:
        known: the slot of each object that began earlier; it keeps it.
        costs: ``(M, K)`` of the new objects, see :func:`jaccard_costs`.

    Returns:
        For each new object its slot and the cost at it.

    Raises:
        ValueError: more objects than slots.
    """
    new, total = costs.shape
    if len(known) + new > total:
        raise ValueError(f'{len(known) + new} objects for {total} slots: let the network run more slots.')
    matrix = np.ones((len(known) + new, total))
    matrix[np.arange(len(known)), list(known)] = 0
    matrix[len(known) :] = costs
    rows, columns = linear_sum_assignment(matrix)
    slot_of = dict(zip(rows.tolist(), columns.tolist()))
    slots = [slot_of[len(known) + i] for i in range(new)]
    return slots, [float(costs[i, slot]) for i, slot in enumerate(slots)]


def paint(slots: np.ndarray, order: Sequence[tuple[int, int, float]]) -> np.ndarray:
    """Label map of objects painted by decreasing cost: the best-found one ends on top.

    Args:
        slots: bool ``(K, H, W)``.
        order: ``(object id, slot, cost)`` of every object.
    """
    label_map = np.zeros(slots.shape[1:], np.uint8)
    for object_id, slot, _ in sorted(order, key=lambda o: -o[2]):
        label_map[slots[slot]] = object_id
    return label_map


def resize_nearest(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``(..., h, w)`` to ``(..., *size)``; the source index is ``floor((i + 0.5) * scale)``."""
    height, width = masks.shape[-2:]
    rows = ((np.arange(size[0]) + 0.5) * height / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * width / size[1]).astype(int)
    return masks[..., rows[:, None], columns]


class SlotAssembler:
    """Label maps of a video from its slots, frame by frame (state: one slot and one cost per object).

    A frame with an annotation shows the known objects as predicted and the annotation on top; the frame of the first
    annotation is the annotation itself.
    """

    def __init__(self) -> None:
        self._objects: dict[int, tuple[int, float]] = {}

    @property
    def slot_of(self) -> dict[int, int]:
        """The slot of each object id so far."""
        return {object_id: slot for object_id, (slot, _) in self._objects.items()}

    def step(self, slots: np.ndarray, annotation: np.ndarray | None = None, size: tuple[int, int] | None = None) -> np.ndarray:
        """The label map uint8 ``(H, W)`` of the next frame.

        Args:
            slots: binary masks ``(K, h, w)`` at any size; resized by nearest neighbour.
            annotation: label map uint8 ``(H, W)`` of objects that begin here.
            size: ``(H, W)`` of the frame (default: of the annotation, else of the slots).
        """
        size = tuple(size) if size else annotation.shape if annotation is not None else slots.shape[1:]
        slots = resize_nearest(np.asarray(slots) > 0, size)
        label_map = paint(slots, [(i, slot, cost) for i, (slot, cost) in self._objects.items()])
        if annotation is None:
            return label_map
        new = [i for i in object_ids_of(annotation) if i not in self._objects]
        masks = np.stack([annotation == i for i in new]) if new else np.zeros((0, *size), bool)
        chosen, costs = choose_slots(list(self.slot_of.values()), jaccard_costs(masks, slots))
        self._objects.update({i: (slot, cost) for i, slot, cost in zip(new, chosen, costs)})
        for object_id, mask in zip(new, masks):
            label_map[mask] = object_id
        return label_map
