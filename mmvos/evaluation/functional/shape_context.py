"""Shape contexts (Belongie et al., PAMI 2002): where the other points of a contour lie, seen from each of them."""

import numpy as np

RING_EDGES: np.ndarray = np.logspace(np.log10(1 / 8), np.log10(2), 5)
SECTORS = 12
EPS = np.finfo(np.float64).eps
#: rows of a matrix over all pairs of points that are computed at a time, so that they stay in the processor's cache
BLOCK = 16


def shape_context(points: np.ndarray) -> np.ndarray:
    """Log-polar histograms of where the other points lie, float64 ``(n, 60)``; the point itself is counted."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
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
        filled_bins = np.asarray(rows.any(axis=0))
        for k, filled in enumerate(filled_bins.tolist()):
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
