"""Contours of masks as temporal instability compares them (Perazzi et al., CVPR 2016, section 4): traced and simplified.

What the definition leaves open is decided by the libraries of the original evaluator (the order in which contours are listed,
the rounding of points), so those decisions are part of the measure and are made here in the same way.
"""

from typing import NamedTuple

import numpy as np

#: tolerances of the two passes of the simplification, in half pixels
SIMPLIFY_TOLERANCES = (0.1, 3.0)
#: longest piece of contour between two points, in pixels
SAMPLING_DISTANCE = 3

_RIGHT, _DOWN, _LEFT, _UP = range(4)


class Piece(NamedTuple):
    """A part of a border from junction to junction.

    Attributes:
        corners (ndarray): integer ``(m, 2)``, (row, column).
        start, end (int): numbers of the junctions.
        first, last (int): directions of its first and of its last crack.
    """

    corners: np.ndarray
    start: int
    end: int
    first: int
    last: int

    def turned(self, forwards: bool) -> 'Piece':
        """The piece as it is walked."""
        return self if forwards else Piece(self.corners[::-1], self.end, self.start, self.last ^ 2, self.first ^ 2)


#: a piece by number, and whether it is walked forwards
Step = tuple[int, bool]


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
    for points, hole in zip(loops, holes, strict=True):
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
    loops: list[np.ndarray] = []
    unused = [True] * len(pieces)
    for start in reversed(range(len(at_junction))):
        for first in at_junction[start]:
            # What a walk leaves behind is taken up again by this loop: no junction above `start` has anything left.
            if unused[first[0]]:
                loops += _walk(first, pieces, at_junction, unused)
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


def _trace_pieces(cracks: _Cracks) -> tuple[list[Piece], list[list[Step]]]:
    """All pieces and, per junction, the steps that leave from it, by number of the piece."""
    exits = {int(i): int(v) for i, v in zip(np.flatnonzero(cracks.exits), cracks.exits[cracks.exits > 0], strict=True)}
    number = {corner: i for i, corner in enumerate(cracks.junctions)}
    used = set()  # (corner, direction) of every crack that was passed, from both of its ends
    pieces: list[Piece] = []
    at_junction: list[list[Step]] = [[] for _ in number]

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
        at_junction[number[start]].append((len(pieces), True))
        at_junction[number[corner]].append((len(pieces), False))
        points = np.stack(np.divmod(np.array(corners), cracks.pitch), 1)
        pieces.append(Piece(points, number[start], number[corner], first, direction))

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
    return pieces, at_junction


def _walk(first: Step, pieces: list[Piece], at_junction: list[list[Step]], unused: list[bool]) -> list[np.ndarray]:
    """Loops of one walk from a junction, in the order in which they close."""
    loops: list[np.ndarray] = []
    walk: list[Piece] = []
    step = first
    while True:
        unused[step[0]] = False
        walk.append(pieces[step[0]].turned(step[1]))
        junction = walk[-1].end
        on_walk = [i for i, piece in enumerate(walk) if piece.start == junction]
        if on_walk:
            parts = [piece.corners for piece in walk[on_walk[0] :]]
            loops.append(np.concatenate([parts[0]] + [part[1:] for part in parts[1:]]))
            del walk[on_walk[0] :]
            if not walk:
                return loops
        # a piece that leads back to the same junction is listed there twice: forwards counts
        choices = list({choice[0]: choice for choice in reversed(at_junction[junction]) if unused[choice[0]]}.values())
        step = choices.pop()
        if pieces[step[0]].turned(step[1]).first == walk[-1].last and choices:  # straight on would cross the other border
            step = choices.pop()


def _are_holes(loops: list[np.ndarray]) -> list[bool]:
    """Whether a loop lies in an odd number of others: parity of their vertical cracks to the left of one of its own."""
    if not loops:
        return []
    tops, sides, owners = [], [], []
    for index, loop in enumerate(loops):
        vertical = np.flatnonzero(loop[1:, 0] != loop[:-1, 0])
        tops.append(np.minimum(loop[vertical, 0], loop[vertical + 1, 0]))
        sides.append(loop[vertical, 1])
        owners.append(np.full(len(vertical), index))
    probes = [(top[0], side[0]) for top, side in zip(tops, sides, strict=True)]
    rows, columns, owner = np.concatenate(tops), np.concatenate(sides), np.concatenate(owners)
    by_row = np.argsort(rows, kind='stable')
    limits = np.searchsorted(rows[by_row], np.arange(rows.max() + 2))
    holes = []
    for index, (row, column) in enumerate(probes):
        cracks = by_row[limits[row] : limits[row + 1]]
        crossed = owner[cracks[columns[cracks] < column]]
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
            return [part[kept] for part, kept in zip(np.split(points, ends[:-1]), np.split(keep, ends[:-1]), strict=True)]
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
        first, last = np.concatenate([first[far], split[far]]), np.concatenate([split[far], last[far]])


def upsample(corners: np.ndarray) -> np.ndarray:
    """Points at most :data:`SAMPLING_DISTANCE` apart, float32 ``(n, 2)``; each is the one before plus a float32 step."""
    points = []
    corners = corners.astype(np.float32)
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        step = end - start
        count = max(int(np.ceil(np.sqrt(float(step[0]) ** 2 + float(step[1]) ** 2) / SAMPLING_DISTANCE)), 1)
        steps = np.repeat((step / np.float32(count))[None], count, 0)
        steps[0] = start
        points.append(np.cumsum(steps, axis=0, dtype=np.float32))
    return np.concatenate([*points, corners[-1:]])
