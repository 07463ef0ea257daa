"""LabelMe: a JSON file per frame, whose shapes are masks, polygons, circles, boxes, points and lines."""

import base64
import binascii
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvos.structures import Box, Click, InputError, PathLike, Polygon, Scribble, read_json
from mmvos.structures.label_map import open_image

from .annotations import Annotations, Key, Mark, object_numbers

_EXPECTED = 'a LabelMe file (JSON with "shapes")'
_CORNERS = 72  # of the polygon that stands for a circle


def read_labelme(files: Mapping[int, PathLike], name: str) -> Annotations:
    """Marks of LabelMe files.

    Shapes with one label and one ``group_id`` are parts of one object; a shape without a group is an object of its own: the
    first one of its label in one frame is that of the next frame, too. Where every object has a ``group_id`` of its own, that
    is its id (MMVOS's export writes it so).

    Args:
        files (Mapping[int, PathLike]): file of each frame.
        name (str): what messages call them all.

    Raises:
        InputError: naming the file, what was found and what was expected.
    """
    contents = {index: read_json(path, _EXPECTED) for index, path in files.items()}
    shapes = {index: _shapes(contents[index], path) for index, path in files.items()}
    sizes = {index: size for index, content in contents.items() for size in _sizes(content)}
    keys = {index: _keys(rows) for index, rows in shapes.items()}
    flat = [key for index in sorted(keys) for key in keys[index]]
    numbers = object_numbers(flat, {key: key[1] for key in flat if isinstance(key[1], int)}, name)
    marks = {
        index: [_mark(numbers[key], shape, os.fspath(files[index])) for key, shape in zip(keys[index], rows, strict=True)]
        for index, rows in shapes.items()
        if rows
    }
    return Annotations(name, marks, {number: str(key[0]) for key, number in numbers.items()}, sizes)


def _sizes(content: dict[str, Any]) -> list[tuple[int, int]]:
    """``(H, W)`` of the picture; none where the file does not say it."""
    height, width = content.get('imageHeight'), content.get('imageWidth')
    return [(height, width)] if isinstance(height, int) and isinstance(width, int) else []


def _shapes(content: Any, path: PathLike) -> list[dict[str, Any]]:
    rows = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get('label'), str) for row in rows):
        raise InputError(f'{path}: no list of shapes with labels; expected {_EXPECTED}.')
    return rows


def _keys(rows: Sequence[dict[str, Any]]) -> list[Key]:
    """What tells the objects of a frame apart: label and group, or label and which one of its kind."""
    seen: Counter = Counter()
    keys: list[Key] = []
    for row in rows:
        label, group = row['label'], row.get('group_id')
        if not isinstance(group, int):
            seen[label] += 1
            group = f'number {seen[label]}'
        keys.append((label, group))
    return keys


def _mark(object_id: int, shape: dict[str, Any], path: str) -> Mark:
    kind = shape.get('shape_type') or 'polygon'
    where = f'{path}: the {kind} of {shape["label"]!r}'
    try:
        points = [(float(x), float(y)) for x, y in shape['points']]
        if not np.isfinite(points).all():
            raise ValueError('a point is not a number')
        return _MAKERS[kind](object_id, points, shape)
    except InputError as error:
        raise InputError(f'{where}: {error}') from error
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, binascii.Error) as error:
        if not isinstance(kind, str) or kind not in _MAKERS:
            raise InputError(f'{where}: this shape is not known; expected one of {", ".join(_MAKERS)}.') from error
        raise InputError(f'{where}: cannot be read ({error}); expected points, as LabelMe writes them.') from error


_Points = list[tuple[float, float]]


def _polygon(object_id: int, points: _Points, _: dict[str, Any]) -> Mark:
    return Mark(object_id, polygon=Polygon(tuple(points)))


def _circle(object_id: int, points: _Points, _: dict[str, Any]) -> Mark:
    (x, y), (edge_x, edge_y) = points
    radius, angles = np.hypot(edge_x - x, edge_y - y), np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    corners = tuple((float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in angles)
    return Mark(object_id, polygon=Polygon(corners))


def _rectangle(object_id: int, points: _Points, _: dict[str, Any]) -> Mark:
    (x1, y1), (x2, y2) = points
    return Mark(object_id, box=Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))


def _point(object_id: int, points: _Points, _: dict[str, Any]) -> Mark:
    ((x, y),) = points
    return Mark(object_id, click=Click(x, y))


def _line(object_id: int, points: _Points, _: dict[str, Any]) -> Mark:
    return Mark(object_id, scribble=Scribble(tuple(points)))


def _mask(object_id: int, points: _Points, shape: dict[str, Any]) -> Mark:
    data, (left, top) = base64.b64decode(shape['mask'], validate=True), (round(v) for v in points[0])

    label = f'the mask of {shape["label"]!r}'

    def paint(size: tuple[int, int]) -> np.ndarray:
        with open_image(data, label) as header:  # it may declare billions of pixels
            if header.width > size[1] or header.height > size[0]:
                raise InputError(f'{label} is {header.width}x{header.height}, the frame {size[1]}x{size[0]} (width x height).')
        part = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if part is None:
            raise InputError(f'{label} is no PNG; expected one, as LabelMe writes it.')
        return placed(part > 0, left, top, size, shape['label'])

    return Mark(object_id, mask=paint)


_MAKERS: dict[str, Callable[[int, _Points, dict[str, Any]], Mark]] = {
    'mask': _mask,
    'polygon': _polygon,
    'circle': _circle,
    'rectangle': _rectangle,
    'point': _point,
    'line': _line,
    'linestrip': _line,
}


def placed(part: np.ndarray, left: int, top: int, size: tuple[int, int], label: str) -> np.ndarray:
    """A mask of a part of the frame as a mask of the frame, bool ``(H, W)``; InputError where it reaches beyond it."""
    bottom, right = top + part.shape[0], left + part.shape[1]
    if not (left >= 0 and top >= 0 and right <= size[1] and bottom <= size[0]):
        raise InputError(
            f'the mask of {label!r} reaches to ({right}, {bottom}), the frame is {size[1]}x{size[0]} (width x height); '
            'expected masks made on this video.'
        )
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = part
    return mask


def labelme_files(folder: PathLike) -> dict[str, Path]:
    """The JSON files of a folder by the names of their frames."""
    return {path.stem: path for path in sorted(Path(folder).glob('*.json'))}
