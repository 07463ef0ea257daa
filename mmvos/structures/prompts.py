"""What a user points at: clicks, boxes, scribbles, polygons and masks of an object in a frame.

Coordinates are pixels of the frame, ``x`` to the right and ``y`` down; the centre of the top left pixel is (0.5, 0.5), as for
boxes everywhere in MMVOS.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from .errors import InputError

Point = tuple[float, float]
#: largest coordinate, in pixels: an outline may reach beyond the frame, but not without end
FARTHEST = 1e6


def _check_numbers(what: str, numbers: Iterable[float]) -> None:
    """Raise InputError for a coordinate that is not a number, or far from any frame."""
    for number in numbers:
        if not abs(number) <= FARTHEST:  # NaN is neither
            raise InputError(f'a {what} has the coordinate {number:g}; expected pixels of the frame.')


@dataclass(frozen=True)
class Click:
    """A point on the object, or next to it.

    Attributes:
        x (float): in pixels from the left edge.
        y (float): in pixels from the top edge.
        positive (bool): whether it is on the object.

    Raises:
        InputError: a coordinate that is not a number, or far from any frame.
    """

    x: float
    y: float
    positive: bool = True

    def __post_init__(self) -> None:
        _check_numbers('click', (self.x, self.y))


@dataclass(frozen=True)
class Box:
    """A box around the object; ``x1 < x2``, ``y1 < y2``."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        _check_numbers('box', (self.x1, self.y1, self.x2, self.y2))
        if not (self.x1 < self.x2 and self.y1 < self.y2):
            raise InputError(
                f'the box ({self.x1:g}, {self.y1:g}, {self.x2:g}, {self.y2:g}) is empty; expected x1 < x2 and y1 < y2.'
            )


@dataclass(frozen=True)
class Scribble:
    """A stroke on the object (``positive``) or beside it: the points of a line."""

    points: tuple[Point, ...]
    positive: bool = True

    def __post_init__(self) -> None:
        if not self.points:
            raise InputError('a scribble has no point; expected at least one.')
        _check_numbers('scribble', chain(*self.points))

    def clicks(self, spacing: float) -> list[Click]:
        """Clicks along the line, at most ``spacing`` pixels apart."""
        points = np.asarray(self.points, float)
        if len(points) == 1:
            return [Click(points[0][0], points[0][1], self.positive)]
        steps = np.hypot(*np.diff(points, axis=0).T)
        length = np.concatenate([[0.0], np.cumsum(steps)])
        places = np.linspace(0, length[-1], max(int(np.ceil(length[-1] / spacing)), 1) + 1)
        xs, ys = (np.interp(places, length, points[:, axis]) for axis in (0, 1))
        return [Click(float(x), float(y), self.positive) for x, y in zip(xs, ys, strict=True)]


@dataclass(frozen=True)
class Polygon:
    """The outline of the object: at least three corners. What is inside is the object (even-odd rule).

    Corners may lie beyond the frame, where the object leaves it: what is there is cut off (:meth:`reaches_beyond`).
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.points) < 3:
            raise InputError(f'a polygon has {len(self.points)} corners; expected at least 3.')
        _check_numbers('polygon', chain(*self.points))

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Boolean ``(H, W)``: the pixels whose centre lies inside."""
        height, width = shape
        x1, y1 = np.asarray(self.points, float).T
        x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
        rows = np.arange(height) + 0.5
        edge, row = np.nonzero((y1[:, None] <= rows) != (y2[:, None] <= rows))
        x = x1[edge] + (rows[row] - y1[edge]) * (x2 - x1)[edge] / (y2 - y1)[edge]
        # the first pixel whose centre lies right of the edge; a pixel is inside where an odd number of edges lies left of it
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
        crossings = np.zeros((height, width + 1), np.uint8)
        np.add.at(crossings, (row, column), 1)
        return np.cumsum(crossings[:, :width], axis=1, dtype=np.uint8) % 2 == 1

    def reaches_beyond(self, shape: tuple[int, int]) -> bool:
        """Whether a corner lies so far outside a frame ``(H, W)`` that pixels are cut off there: more than half a pixel."""
        points, (height, width) = np.asarray(self.points, float), shape
        return bool(((points < -0.5) | (points > (width + 0.5, height + 0.5))).any())


@dataclass
class Prompt:
    """All that a user gave for one object in one frame.

    An outline (``polygon`` or ``mask``) is taken as it is; clicks, scribbles and the box are for an interactive segmenter to
    turn into a mask.

    Args:
        object_id (int): id of the object, 1 to 254.
        clicks (list[Click]): points on and beside the object.
        box (Box | None): box around the object.
        scribbles (list[Scribble]): strokes on and beside the object.
        polygon (Polygon | None): outline of the object.
        mask (ndarray | None): bool ``(H, W)``, the object itself; with clicks, the mask that they correct.

    Raises:
        InputError: an id that a label map cannot hold.
    """

    object_id: int
    clicks: list[Click] = field(default_factory=list)
    box: Box | None = None
    scribbles: list[Scribble] = field(default_factory=list)
    polygon: Polygon | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.object_id <= 254:
            raise InputError(f'object id {self.object_id}: expected 1 to 254.')

    @property
    def is_empty(self) -> bool:
        """Whether nothing points at the object."""
        return not (self.clicks or self.scribbles or self.box or self.polygon or self.mask is not None)

    @property
    def needs_segmenter(self) -> bool:
        """Whether a mask has to be found, rather than being given."""
        return bool(self.clicks or self.scribbles or self.box)

    @property
    def only_beside(self) -> bool:
        """Whether there are points, and all of them lie beside the object: what it is, is not said."""
        given = self.box is not None or self.polygon is not None or self.mask is not None
        signs = [click.positive for click in self.clicks] + [scribble.positive for scribble in self.scribbles]
        return bool(signs) and not given and not any(signs)

    def all_clicks(self, spacing: float = 16.0) -> list[Click]:
        """Clicks and points of the scribbles, ``spacing`` pixels apart at most."""
        return [*self.clicks, *(click for scribble in self.scribbles for click in scribble.clicks(spacing))]

    def outline(self, shape: tuple[int, int]) -> np.ndarray | None:
        """The given mask or the polygon's, bool ``(H, W)``; None where neither is given.

        Args:
            shape (tuple[int, int]): ``(H, W)`` of the frame.

        Raises:
            InputError: the mask has another size.
        """
        if self.mask is not None:
            if self.mask.shape != shape:
                raise InputError(
                    f'object {self.object_id}: the mask is {self.mask.shape[1]}x{self.mask.shape[0]}, the frame is '
                    f'{shape[1]}x{shape[0]} (width x height).'
                )
            return self.mask.astype(bool)
        return self.polygon.mask(shape) if self.polygon is not None else None

    def check_inside(self, shape: tuple[int, int]) -> None:
        """Raise InputError for a click, stroke or box that lies outside the frame ``(H, W)``."""
        height, width = shape
        points: list[tuple[str, Any]] = [('click', (c.x, c.y)) for c in self.all_clicks(float('inf'))]
        if self.box is not None and not (self.box.x1 < width and self.box.y1 < height and self.box.x2 > 0 and self.box.y2 > 0):
            points.append(('box', (self.box.x1, self.box.y1)))
        for name, (x, y) in points:
            if not (0 <= x <= width and 0 <= y <= height) or name == 'box':
                raise InputError(
                    f'object {self.object_id}: the {name} at ({x:g}, {y:g}) lies outside the frame {width}x{height}.'
                )


def parse_point(text: str) -> tuple[int, Click]:
    """``'1:320,240'`` or ``'1:300,200:-'`` (a point beside object 1) to the object id and the click."""
    parts = text.split(':')
    try:
        x, y = (float(v) for v in parts[1].split(','))
        sign = parts[2] if len(parts) == 3 else '+'
        if len(parts) > 3 or sign not in ('+', '-'):
            raise ValueError(sign)
        return int(parts[0]), Click(x, y, sign == '+')
    except (ValueError, IndexError) as error:
        raise InputError(f'click {text!r}: expected ID:X,Y or ID:X,Y:- (a point beside the object).') from error


def parse_box(text: str) -> tuple[int, Box]:
    """``'2:100,80,220,300'`` (id, left, top, right, bottom) to the object id and the box."""
    try:
        name, numbers = text.split(':')
        x1, y1, x2, y2 = (float(v) for v in numbers.split(','))
        object_id = int(name)
    except ValueError as error:
        raise InputError(f'box {text!r}: expected ID:X1,Y1,X2,Y2.') from error
    return object_id, Box(x1, y1, x2, y2)


def prompts_from_text(clicks: Sequence[str] = (), boxes: Sequence[str] = ()) -> list[Prompt]:
    """Prompts of the objects that command line options name, sorted by id.

    Args:
        clicks (Sequence[str]): ``'ID:X,Y'``, or ``'ID:X,Y:-'`` for a point beside the object; pixels of the frame.
        boxes (Sequence[str]): ``'ID:X1,Y1,X2,Y2'``.

    Raises:
        InputError: text of another form, or a second box of one object.
    """
    prompts: dict[int, Prompt] = {}
    for text in clicks:
        object_id, click = parse_point(text)
        prompts.setdefault(object_id, Prompt(object_id)).clicks.append(click)
    for text in boxes:
        object_id, box = parse_box(text)
        prompt = prompts.setdefault(object_id, Prompt(object_id))
        if prompt.box is not None:
            raise InputError(f'box {text!r}: object {object_id} has a box already.')
        prompt.box = box
    return [prompts[i] for i in sorted(prompts)]
