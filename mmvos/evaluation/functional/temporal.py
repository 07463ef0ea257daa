"""Temporal instability T of DAVIS 2016 (Perazzi et al., CVPR 2016, section 4), number for number as its Python evaluator.

The longest contours of two consecutive predictions are described by shape contexts (Belongie et al., PAMI 2002) and
matched by dynamic time warping; T is the mean cost of the matched points. The annotation plays no part.

What the definition leaves open is decided by the libraries of the original (the order in which contours are listed, the
rounding of points, which of two equally good matches is taken), so those decisions are part of the measure and are made
here in the same way. Each such place says so.
"""

from typing import NamedTuple

import numpy as np

#: tolerances of the two passes of the simplification, in half pixels
SIMPLIFY_TOLERANCES = (0.1, 3.0)
#: longest piece of contour between two points, in pixels
SAMPLING_DISTANCE = 3
RING_EDGES = np.logspace(np.log10(1 / 8), np.log10(2), 5)
SECTORS = 12
EPS = np.finfo(np.float64).eps
#: rows of a matrix over all pairs of points that are computed at a time, so that they stay in the processor's cache
BLOCK = 16

_RIGHT, _DOWN, _LEFT, _UP = range(4)


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
        mask: bool or integer ``(H, W)``, non-zero inside the object.
    """
    loops = simplified_loops(mask)
    if not loops:
        return None
    lengths = [len(loop) for loop in loops]
    corners = loops[len(loops) - 1 - int(np.argmax(lengths[::-1]))]  # of several with most points, the last
    points = _upsample(corners)
    return Contour(corners, points, _shape_context(points))


def temporal_instability(first: Contour | None, second: Contour | None) -> float:
    """T of two contours (of :func:`contour_of`), without the factor 5; NaN if one is None."""
    if first is None or second is None:
        return float('nan')
    costs = matching_costs(first.shape_context, second.shape_context)
    pairs = match(costs)
    return float(costs[pairs[:, 0], pairs[:, 1]].mean())


# ---- contours -------------------------------------------------------------------------------------------------------


def simplified_loops(mask: np.ndarray) -> list[np.ndarray]:
    """All contours of a mask, simplified and oriented, those of at most three points left out.

    Returns:
        Float64 ``(m, 2)`` each, (x, y) in pixels, first = last.
    """
    traced = trace_loops(mask)
    loops = [loop * 2.0 for loop in traced]
    for tolerance in SIMPLIFY_TOLERANCES:
        loops = _douglas_peucker([_drop_near(loop, tolerance) for loop in loops], tolerance)
    holes = _are_holes(traced)
    result = []
    for points, hole in zip(loops, holes):
        if len(points) <= 3:
            continue
        following = np.roll(points, -1, 0)
        area = np.sum((following[:, 0] - points[:, 0]) * (following[:, 1] + points[:, 1]))
        if (area > 0) if hole else (area <= 0):
            points = points[::-1]
        result.append(points[:, ::-1] / 2)
    return result


def trace_loops(mask: np.ndarray) -> list[np.ndarray]:
    """The borders of a mask as closed walks between its pixels.

    A *crack* is the edge between a set and an unset pixel (outside of the image is unset), a *junction* an inner corner
    where four cracks meet. Cracks are joined to pieces from junction to junction, pieces to loops; a border without a
    junction is a piece of its own.

    Returns:
        Integer ``(m, 2)`` each: corners (row, column), 0..H x 0..W, first = last.
    """
    cracks = _Cracks(mask)
    pieces, at_junction = _trace_pieces(cracks)
    loops = []
    unused = [True] * len(pieces)
    for start in reversed(range(len(at_junction))):
        for first in at_junction[start]:
            # What a walk leaves behind is taken up again by this loop: no junction above `start` has anything left.
            if unused[first[0]]:
                loops += _walk(start, first, pieces, at_junction, unused)
    return loops


class _Cracks:
    """Cracks of a mask on the grid of corners, flat: corner (r, c) is number ``r * pitch + c``."""

    def __init__(self, mask: np.ndarray) -> None:
        padded = np.pad(np.asarray(mask, bool), 1)
        across = padded[1:, 1:-1] ^ padded[:-1, 1:-1]  # (H + 1, W): from corner (r, c) to (r, c + 1)
        down = padded[1:-1, 1:] ^ padded[1:-1, :-1]  # (H, W + 1): from corner (r, c) to (r + 1, c)
        height, width = mask.shape
        self.pitch = width + 1
        exits = np.zeros((height + 1, width + 1), np.uint8)  # bit d: a crack leaves in direction d
        exits[:, :-1] |= across.view(np.uint8) << _RIGHT
        exits[:-1] |= down.view(np.uint8) << _DOWN
        exits[:, 1:] |= across.view(np.uint8) << _LEFT
        exits[1:] |= down.view(np.uint8) << _UP
        self.exits = exits.ravel()
        self.step = (1, self.pitch, -1, -self.pitch)
        self.starts_down = np.flatnonzero(self.exits & (1 << _DOWN)).tolist()
        self.junctions = np.flatnonzero(self.exits == 15).tolist()


def _trace_pieces(cracks: _Cracks):
    """Pieces ``(corners, junction of the first, junction of the last, first direction, last direction)`` and, per
    junction, what leaves from it: ``(piece, whether forwards)`` by number of the piece."""
    exits = {int(i): int(v) for i, v in zip(np.flatnonzero(cracks.exits), cracks.exits[cracks.exits > 0])}
    number = {corner: i for i, corner in enumerate(cracks.junctions)}
    used = set()  # (corner, direction) of every crack that was passed, from both of its ends
    pieces, at_junction = [], [[] for _ in number]

    def follow(corner: int, direction: int) -> None:
        start, first = corner, direction
        corners = [corner]
        while True:
            used.add((corner, direction))
            corner += cracks.step[direction]
            used.add((corner, direction ^ 2))
            corners.append(corner)
            if corner in number:
                break
            direction = (exits[corner] & ~(1 << (direction ^ 2))).bit_length() - 1
        index = len(pieces)
        pieces.append((corners, number[start], number[corner], first, direction))
        at_junction[number[start]].append((index, True))
        at_junction[number[corner]].append((index, False))

    # the original works through a stack: the last junction's upward crack comes first
    for corner in reversed(cracks.junctions):
        for direction in (_UP, _LEFT, _DOWN, _RIGHT):
            if (corner, direction) not in used:
                follow(corner, direction)
    for corner in cracks.starts_down:
        if (corner, _DOWN) not in used:
            number[corner] = len(at_junction)
            at_junction.append([])
            follow(corner, _DOWN)
    pieces = [(np.stack(np.divmod(np.array(corners), cracks.pitch), 1), *rest) for corners, *rest in pieces]
    return pieces, at_junction


def _walk(start: int, first: tuple[int, bool], pieces, at_junction, unused: list[bool]) -> list[np.ndarray]:
    """Loops of one walk from a junction, in the order in which they close."""
    loops, walk = [], []  # walk: (piece, forwards, junction where it was entered)
    junction, step = start, first
    while True:
        piece, forwards = step
        unused[piece] = False
        walk.append((piece, forwards, junction))
        junction = pieces[piece][2] if forwards else pieces[piece][1]
        on_walk = [i for i, entry in enumerate(walk) if entry[2] == junction]
        if on_walk:
            parts = [pieces[p][0] if ahead else pieces[p][0][::-1] for p, ahead, _ in walk[on_walk[0] :]]
            loops.append(np.concatenate([parts[0]] + [part[1:] for part in parts[1:]]))
            del walk[on_walk[0] :]
            if not walk:
                return loops
        piece, forwards, _ = walk[-1]
        arriving = pieces[piece][4] if forwards else pieces[piece][3] ^ 2
        # a piece that leads back to the same junction is listed there twice: forwards counts
        choices = list({choice[0]: choice for choice in reversed(at_junction[junction]) if unused[choice[0]]}.values())
        step = choices.pop()
        leaving = pieces[step[0]][3] if step[1] else pieces[step[0]][4] ^ 2
        if leaving == arriving and choices:  # straight on would cross the other border
            step = choices.pop()


def _are_holes(loops: list[np.ndarray]) -> list[bool]:
    """Whether a loop lies in an odd number of others: parity of their vertical cracks to the left of one of its own."""
    rows, columns, owners, probes = [], [], [], []
    for index, loop in enumerate(loops):
        vertical = np.flatnonzero(loop[1:, 0] != loop[:-1, 0])
        rows.append(np.minimum(loop[vertical, 0], loop[vertical + 1, 0]))
        columns.append(loop[vertical, 1])
        owners.append(np.full(len(vertical), index))
        probes.append((rows[-1][0], columns[-1][0]))
    if not loops:
        return []
    rows, columns, owners = np.concatenate(rows), np.concatenate(columns), np.concatenate(owners)
    by_row = np.argsort(rows, kind='stable')
    limits = np.searchsorted(rows[by_row], np.arange(rows.max() + 2))
    holes = []
    for index, (row, column) in enumerate(probes):
        cracks = by_row[limits[row] : limits[row + 1]]
        crossed = owners[cracks[columns[cracks] < column]]
        around = np.bincount(crossed[crossed != index]) % 2
        holes.append(bool(around.sum() % 2))
    return holes


def _drop_near(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop points that are nearer than the tolerance to the last one that was kept; the ends stay."""
    apart = np.diff(points, axis=0)
    if len(points) < 3 or np.min(np.einsum('ij,ij->i', apart, apart)[:-1]) >= tolerance * tolerance:
        return points
    kept = [0]
    x, y = points.T.tolist()
    for i in range(1, len(points) - 1):
        dx, dy = x[i] - x[kept[-1]], y[i] - y[kept[-1]]
        if dx * dx + dy * dy >= tolerance * tolerance:
            kept.append(i)
    return points[kept + [len(points) - 1]]


def _douglas_peucker(loops: list[np.ndarray], tolerance: float) -> list[np.ndarray]:
    """Douglas and Peucker's simplification of all loops, all segments of one depth at a time.

    A segment is split at its farthest point (of equally far ones the last) if that is farther than the tolerance. The
    foot of a point on its segment is rounded to float32 in the original, so it is here.
    """
    if not loops:
        return []
    points, ends = np.concatenate(loops), np.cumsum([len(loop) for loop in loops])
    first, last = np.concatenate([[0], ends[:-1]]), ends - 1
    keep = np.zeros(len(points), bool)
    keep[first] = keep[last] = True
    while True:
        inner = last - first > 1
        first, last = first[inner], last[inner]
        if not len(first):
            return [part[kept] for part, kept in zip(np.split(points, ends[:-1]), np.split(keep, ends[:-1]))]
        counts = last - first - 1
        begin = np.cumsum(counts) - counts
        segment = np.repeat(np.arange(len(first)), counts)
        index = np.arange(len(segment)) - begin[segment] + first[segment] + 1
        start, along = points[first][segment], (points[last] - points[first])[segment]
        offset = points[index] - start
        projected = offset[:, 0] * along[:, 0] + offset[:, 1] * along[:, 1]
        length = along[:, 0] * along[:, 0] + along[:, 1] * along[:, 1]
        foot = (projected / np.where(length > 0, length, 1)).astype(np.float32).astype(np.float64)
        foot = np.where(projected <= 0, 0.0, np.where(projected >= length, 1.0, foot))
        offset = points[index] - (start + foot[:, None] * along)
        distance = offset[:, 0] * offset[:, 0] + offset[:, 1] * offset[:, 1]
        farthest = np.maximum.reduceat(distance, begin)
        candidates = np.flatnonzero(distance == farthest[segment])
        split = np.empty_like(first)
        split[segment[candidates]] = index[candidates]  # the last one of a segment stays
        far = farthest > tolerance * tolerance
        keep[split[far]] = True
        first, last = (np.concatenate(ends) for ends in ((first[far], split[far]), (split[far], last[far])))


# ---- shape contexts -------------------------------------------------------------------------------------------------


def _upsample(corners: np.ndarray) -> np.ndarray:
    """Points at most :data:`SAMPLING_DISTANCE` apart, float32 ``(n, 2)``; each is the one before plus a float32 step."""
    points = []
    for start, end in zip(corners[:-1].astype(np.float32), corners[1:].astype(np.float32)):
        step = end - start
        count = max(int(np.ceil(np.sqrt(float(step[0]) ** 2 + float(step[1]) ** 2) / SAMPLING_DISTANCE)), 1)
        steps = np.repeat((step / np.float32(count))[None], count, 0)
        steps[0] = start
        points.append(np.cumsum(steps, axis=0, dtype=np.float32))
    return np.concatenate(points + [corners[-1:].astype(np.float32)])


def _shape_context(points: np.ndarray) -> np.ndarray:
    """Log-polar histograms of where the other points lie, float64 ``(n, 60)``; the point itself is counted."""
    x, y = points.astype(np.float64).T
    distance = np.sqrt((x[None] - x[:, None]) ** 2 + (y[None] - y[:, None]) ** 2)
    mean = distance.mean()
    size = len(RING_EDGES) * SECTORS
    histogram = np.empty((len(points), size))
    for top in range(0, len(points), BLOCK):
        rows = slice(top, min(top + BLOCK, len(points)))
        relative = distance[rows] / mean
        ring = np.zeros(relative.shape, np.int64)  # 0: too far to count
        for edge in RING_EDGES:
            ring += edge > relative
        angle = np.arctan2(y[None] - y[rows, None], x[None] - x[rows, None]) + 2 * np.pi
        angle -= 2 * np.pi * (angle >= 2 * np.pi)
        sector = (angle / (2 * np.pi / SECTORS)).astype(np.int64)
        bins = (ring - 1) * SECTORS + sector + size * np.arange(len(ring))[:, None]
        counts = np.bincount(bins[ring > 0], minlength=len(ring) * size).reshape(-1, size)
        histogram[rows] = counts / (counts.sum(1, keepdims=True) + EPS)
    return histogram


def matching_costs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Chi-squared distances of shape contexts ``(n1, 60)`` and ``(n2, 60)``: float64 ``(n1, n2)``."""
    costs = np.zeros((len(first), len(second)))
    columns = np.ascontiguousarray(second.T)
    from_empty = columns * columns / (columns + EPS)  # a bin's term where the first histogram has nothing in it
    terms, sums = np.empty((2, BLOCK, len(second)))
    for top in range(0, len(first), BLOCK):
        rows = first[top : top + BLOCK]
        block, term, total = costs[top : top + BLOCK], terms[: len(rows)], sums[: len(rows)]
        for k, filled in enumerate(rows.any(0).tolist()):
            # always in the order of the bins: what is equal must stay equal to the last bit, see cheapest_path
            if not filled:
                block += from_empty[k]
                continue
            np.subtract(rows[:, k, None], columns[k], out=term)
            np.multiply(term, term, out=term)
            np.add(rows[:, k, None], columns[k], out=total)
            total += EPS
            term /= total
            block += term
    costs *= 0.5
    return costs


# ---- matching -------------------------------------------------------------------------------------------------------


def match(costs: np.ndarray) -> np.ndarray:
    """Pairs of matched points of two closed contours.

    A first path between the ends of both lists finds the best matched pair; a second one starts right after that pair.
    Of the second path every point keeps its cheapest partner.

    Args:
        costs: ``(n1, n2)``.

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
        costs: ``(n1, n2)``, not negative.

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

        def along(shift, array=totals, first=first, last=last):
            return array[first + shift : last + shift + 1 : pitch - 1]

        best = np.minimum(along(-pitch), along(-1))
        np.minimum(best, along(-pitch - 1), out=best)
        along(0)[:] = best + along(0, flat_costs)
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
                visits = _visiting_order(costs, path[-1])
            before.sort(key=lambda cell: visits[cell[0] * width + cell[1]])
        x, y = before[0]
        path.append((x, y))
    return np.array(path[::-1])


def _visiting_order(costs: np.ndarray, last: tuple[int, int]) -> list[int]:
    """The order in which Dijkstra's algorithm visits cells, up to cell ``last``: rank of cell (x, y) at ``x * n2 + y``.

    Only the order among equal totals needs this: it follows from how the original's queue is built, an indirect heap
    with four children per node. Cells dearer than ``last`` are never reached, which is most of the matrix.
    """
    height, width = costs.shape
    end, cost = last[0] * width + last[1], costs.ravel().tolist()
    unknown = float('inf')
    total, place, rank = [unknown] * len(cost), [0] * len(cost), [-1] * len(cost)
    total[0] = 0.0
    heap, visited = [0], 0
    while heap:
        cell = heap[0]
        rank[cell] = visited
        visited += 1
        if cell == end:
            break
        # the last entry moves to the root and sinks below smaller ones
        moved, position, size = heap.pop(), 0, len(heap)
        if size:
            key = total[moved]
            while True:
                child = 4 * position + 1
                if child >= size:
                    break
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
        here, x, y = total[cell], cell // width, cell % width
        targets = []
        if y + 1 < width:
            targets.append(cell + 1)
        if x + 1 < height:
            targets.append(cell + width)
            if y + 1 < width:
                targets.append(cell + width + 1)
        for target in targets:
            key, known = here + cost[target], total[target]
            if not key < known:
                continue
            # A cell that was visited is never improved: costs are not negative.
            total[target] = key
            if known == unknown:
                position = len(heap)
                heap.append(target)
            else:
                position = place[target]
            while position:
                parent = (position - 1) // 4
                above = heap[parent]
                if not key < total[above]:
                    break
                heap[position] = above
                place[above] = position
                position = parent
            heap[position] = target
            place[target] = position
    return rank
