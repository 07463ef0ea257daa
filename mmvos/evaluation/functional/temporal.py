"""Temporal instability T of DAVIS 2016 (Perazzi et al., CVPR 2016, section 4), number for number as its Python evaluator.

The longest contours of two consecutive predictions are described by shape contexts (Belongie et al., PAMI 2002) and
matched by dynamic time warping; T is the mean cost of the matched points. The annotation plays no part.

Which of two equally good matches is taken is decided by the original's queue, so it is part of the measure.
"""

from typing import NamedTuple

import numpy as np

from .contours import simplified_loops, upsample
from .shape_context import matching_costs, shape_context


class Contour(NamedTuple):
    """The longest contour of a mask.

    ``corners``: simplified, float64 ``(m, 2)`` as (x, y) in pixels, first = last.
    ``points``: upsampled, float32 ``(n, 2)``, first = last.
    ``shape_context``: float64 ``(n, 60)``, rows sum to 1.
    """

    corners: np.ndarray
    points: np.ndarray
    shape_context: np.ndarray


def contour_of(mask: np.ndarray) -> Contour | None:
    """The contour of a mask that T compares; None where no contour with more than three points is left.

    Args:
        mask (np.ndarray): bool or integer ``(H, W)``, non-zero inside the object.
    """
    loops = simplified_loops(mask)
    if not loops:
        return None
    lengths = [len(loop) for loop in loops]
    corners = loops[len(loops) - 1 - int(np.argmax(lengths[::-1]))]  # of several with most points, the last
    points = upsample(corners)
    return Contour(corners, points, shape_context(points))


def temporal_instability(first: Contour | None, second: Contour | None) -> float:
    """T of the contours ``first`` and ``second`` (of :func:`contour_of`), without the factor 5; NaN if one is None."""
    if first is None or second is None:
        return float('nan')
    costs = matching_costs(first.shape_context, second.shape_context)
    pairs = match(costs)
    return float(costs[pairs[:, 0], pairs[:, 1]].mean())


def match(costs: np.ndarray) -> np.ndarray:
    """Pairs of matched points of two closed contours.

    A first path between the ends of both lists finds the best matched pair; a second one starts right after that pair.
    Of the second path every point keeps its cheapest partner.

    Args:
        costs (np.ndarray): ``(n1, n2)``.

    Returns:
        Integer ``(m, 2)``: indices of points of the first and of the second contour.
    """
    path = cheapest_path(costs)[:0:-1]  # from the end, without the start
    anchor = path[np.argmin(costs[path[:, 0], path[:, 1]])] + 1
    rolled = np.roll(costs, -anchor, (0, 1))
    pairs = (cheapest_path(rolled)[::-1] + anchor) % costs.shape
    for side in (0, 1):
        pairs = pairs[_first_cheapest(pairs[:, side], costs[pairs[:, 0], pairs[:, 1]])]
    return pairs


def _first_cheapest(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Per key the position of its smallest value (the first of equals), keys ascending."""
    order = np.lexsort((values, keys))
    return order[np.unique(keys[order], return_index=True)[1]]


def cheapest_path(costs: np.ndarray) -> np.ndarray:
    """Monotone path of least total cost from (0, 0) to the last cell, by steps (1, 0), (0, 1), (1, 1).

    The start is not charged. Where two predecessors are equally cheap, the one counts that Dijkstra's algorithm, as the
    original runs it, would visit first.

    Args:
        costs (np.ndarray): ``(n1, n2)``, not negative.

    Returns:
        Integer ``(length, 2)`` from (0, 0) on.
    """
    height, width = costs.shape
    # On an anti-diagonal no cell depends on another, so a whole one is computed at a time. Totals are stored with a rim
    # of infinity; cell (x, y) is at (x + 1, y + 1), and the cells of a diagonal are `pitch` - 1 apart.
    pitch = width + 1
    flat_costs = np.pad(costs, ((1, 0), (1, 0))).ravel()
    totals = np.full((height + 1) * pitch, np.inf)
    totals[pitch + 1] = 0
    for diagonal in range(1, height + width - 1):
        top, bottom = max(0, diagonal - width + 1), min(diagonal, height - 1)
        first = (top + 1) * pitch + diagonal - top + 1
        last = (bottom + 1) * pitch + diagonal - bottom + 1

        up, left, corner, here = (slice(first + shift, last + shift + 1, width) for shift in (-pitch, -1, -pitch - 1, 0))
        best = np.minimum(totals[up], totals[left])
        np.minimum(best, totals[corner], out=best)
        totals[here] = best + flat_costs[here]
    totals = totals.reshape(height + 1, pitch)[1:, 1:]
    visits = None
    path = [(height - 1, width - 1)]
    x, y = path[0]
    while x or y:
        before = [(x - 1, y), (x, y - 1), (x - 1, y - 1)]
        before = [(i, j) for i, j in before if i >= 0 and j >= 0]
        least = min(totals[cell] for cell in before)
        before = [cell for cell in before if totals[cell] == least]
        if len(before) > 1:
            if visits is None:
                visits = visiting_order(costs, path[-1])
            before.sort(key=lambda cell: visits[cell[0] * width + cell[1]])
        x, y = before[0]
        path.append((x, y))
    return np.array(path[::-1])


def visiting_order(costs: np.ndarray, last: tuple[int, int]) -> list[int]:
    """The order in which Dijkstra's algorithm visits cells, up to cell ``last``: rank of cell (x, y) at ``x * n2 + y``.

    Only the order among equal totals needs this: it follows from how the original's queue is built. Cells of a larger total
    than that of ``last`` are never reached, which is most of the matrix.

    Args:
        costs (ndarray): ``(n1, n2)``, not negative.
        last (tuple[int, int]): cell where the search ends.
    """
    height, width = costs.shape
    end, cost = last[0] * width + last[1], costs.ravel().tolist()
    rank = [-1] * len(cost)
    queue = _CellQueue(len(cost))
    queue.lower(0, 0.0)
    for visited in range(len(cost)):
        cell = queue.first()
        rank[cell] = visited
        if cell == end:
            break
        queue.drop_first()
        here, x, y = queue.total[cell], cell // width, cell % width
        targets = [cell + 1] if y + 1 < width else []
        if x + 1 < height:
            targets += [cell + width, cell + width + 1] if y + 1 < width else [cell + width]
        for target in targets:
            queue.lower(target, here + cost[target])
    return rank


class _CellQueue:
    """Cells by their totals: an indirect heap with four children per node, as the original's.

    Among equal totals the order depends on every exchange, so these are the original's too.

    Args:
        count (int): number of cells.
    """

    def __init__(self, count: int) -> None:
        #: least total so far of each cell
        self.total = [float('inf')] * count
        self._place = [0] * count
        self._heap: list[int] = []

    def first(self) -> int:
        """The cell of the least total."""
        return self._heap[0]

    def drop_first(self) -> None:
        """Remove :meth:`first`: the last entry moves to the root and sinks below smaller ones."""
        heap, total, place = self._heap, self.total, self._place
        moved, position = heap.pop(), 0
        size = len(heap)
        if not size:
            return
        key = total[moved]
        while (child := 4 * position + 1) < size:
            least = total[heap[child]]
            for other in range(child + 1, min(child + 4, size)):
                if total[heap[other]] < least:
                    child, least = other, total[heap[other]]
            if not least < key:
                break
            heap[position] = heap[child]
            place[heap[position]] = position
            position = child
        heap[position] = moved
        place[moved] = position

    def lower(self, cell: int, total: float) -> None:
        """Give a cell a total if that is smaller than what it has; a new cell is added at the end, and rises.

        A cell that was dropped is never lowered again: costs are not negative.
        """
        known = self.total[cell]
        if not total < known:
            return
        heap, place = self._heap, self._place
        self.total[cell] = total
        if known == float('inf'):
            position = len(heap)
            heap.append(cell)
        else:
            position = place[cell]
        while position:
            parent = (position - 1) // 4
            above = heap[parent]
            if not total < self.total[above]:
                break
            heap[position] = above
            place[above] = position
            position = parent
        heap[position] = cell
        place[cell] = position
