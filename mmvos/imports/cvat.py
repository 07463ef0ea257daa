"""CVAT: one XML file, "CVAT for video 1.1" (tracks) or "CVAT for images 1.1"."""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmvos.structures import Box, Click, InputError, PathLike, Polygon, Scribble, read_bytes

from .annotations import Annotations, Key, Mark, object_numbers
from .labelme import placed

_EXPECTED = 'an XML file of CVAT ("CVAT for video 1.1" or "CVAT for images 1.1")'
_LARGEST_SIDE = 1 << 15  # of a mask
_Element = ElementTree.Element


def read_cvat(path: PathLike, frame_names: Sequence[str]) -> Annotations:
    """Marks of an XML file of CVAT.

    A track is an object; its id is the track's where none is 0 (MMVOS's export writes it so), else the next one. In images,
    the shapes of one label and one ``group_id`` are an object, and without a group the first of its label in one image is that
    of the next, too.

    Args:
        path (PathLike): file.
        frame_names (Sequence[str]): stems of the video's frames; images are found by name, else by their number.

    Raises:
        InputError: naming the file, what was found and what was expected.
    """
    name = os.fspath(path)
    try:
        root = ElementTree.fromstring(read_bytes(path, _EXPECTED))
    except ElementTree.ParseError as error:
        raise InputError(f'{name}: no XML ({error}); expected {_EXPECTED}.') from error
    if root.tag != 'annotations':
        raise InputError(f'{name}: the outermost element is <{root.tag}>; expected {_EXPECTED}.')
    found = [*_of_tracks(root, name, len(frame_names)), *_of_images(root, name, frame_names)]
    if not found:
        raise InputError(f'{name}: holds no shape; expected at least one.')
    wished = {key: number for _, key, number, _ in found}
    if 0 in wished.values():
        wished = {key: number + 1 for key, number in wished.items()}
    numbers = object_numbers([key for _, key, _, _ in found], wished, name)
    marks: dict[int, list[Mark]] = defaultdict(list)
    for index, key, _, shape in sorted(found, key=lambda one: _signed(one[3], 'z_order', name)):
        marks[index].append(_mark(numbers[key], shape, f'{name}: frame {index}: the {shape.tag}'))
    names = {number: str(key[0]) for key, number in numbers.items()}
    return Annotations(name, dict(marks), names, _sizes(root, name, frame_names))


def _sizes(root: _Element, name: str, frame_names: Sequence[str]) -> dict[int, tuple[int, int]]:
    """``(H, W)`` of the pictures that were marked, by frame, where the file says it."""
    sizes: dict[int, tuple[int, int]] = {}
    stated = root.find('meta//original_size')
    if stated is not None and (size := _size(stated.findtext('height'), stated.findtext('width'))):
        sizes = dict.fromkeys(range(len(frame_names)), size)
    places = _places(frame_names)
    for image in root.findall('image'):
        if size := _size(image.get('height'), image.get('width')):
            sizes[_image_index(image, places, name)] = size
    return sizes


def _size(height: str | None, width: str | None) -> tuple[int, int] | None:
    whole = [int(text) for text in (height, width) if text is not None and re.fullmatch('[0-9]{1,9}', text)]
    return (whole[0], whole[1]) if len(whole) == 2 else None


_Row = tuple[int, Key, int, _Element]  # frame, what tells the object apart, its number in the file, shape


def _of_tracks(root: _Element, name: str, num_frames: int) -> list[_Row]:
    rows: list[_Row] = []
    for track in root.findall('track'):
        number, label = _whole(track, 'id', name), track.get('label', '')
        for shape in track:
            if shape.get('outside') == '1':
                continue
            index = _whole(shape, 'frame', name)
            if index >= num_frames:
                raise InputError(f'{name}: track {number} is in frame {index}; the video has {num_frames}, counted from 0.')
            rows.append((index, (label, number), number, shape))
    return rows


def _of_images(root: _Element, name: str, frame_names: Sequence[str]) -> list[_Row]:
    places = _places(frame_names)
    rows: list[_Row] = []
    for image in root.findall('image'):
        index = _image_index(image, places, name)
        if index >= len(frame_names):
            raise InputError(f'{name}: the image {image.get("name")!r} is none of the {len(frame_names)} frames of the video.')
        seen: Counter = Counter()
        for shape in image:
            if shape.tag == 'tag':
                continue
            label, group = shape.get('label', ''), _signed(shape, 'group_id', name)
            seen[label] += not group
            rows.append((index, (label, group or f'number {seen[label]}'), group, shape))
    return rows


def _places(frame_names: Sequence[str]) -> dict[str, int]:
    return {stem: index for index, stem in enumerate(frame_names)}


def _image_index(image: _Element, places: dict[str, int], name: str) -> int:
    """Frame of an image: the one that has its name, else its number."""
    return places.get(Path(image.get('name', '')).stem, _whole(image, 'id', name))


def _whole(element: _Element, key: str, name: str) -> int:
    text = element.get(key, '')
    if not re.fullmatch('[0-9]{1,18}', text):  # not more digits than Python reads
        raise InputError(f'{name}: <{element.tag}> has {key}={text!r}; expected a number from 0.')
    return int(text)


def _signed(element: _Element, key: str, name: str) -> int:
    text = element.get(key) or '0'
    if not re.fullmatch('-?[0-9]{1,18}', text):
        raise InputError(f'{name}: <{element.tag}> has {key}={text!r}; expected a whole number.')
    return int(text)


def _mark(object_id: int, shape: _Element, where: str) -> Mark:
    try:
        return _MAKERS[shape.tag](object_id, shape)
    except InputError as error:
        raise InputError(f'{where}: {error}') from error
    except (KeyError, ValueError, AttributeError) as error:
        if shape.tag not in _MAKERS:
            raise InputError(f'{where}: this shape is not known; expected one of {", ".join(_MAKERS)}.') from error
        raise InputError(f'{where}: cannot be read ({error}); expected what CVAT writes.') from error


def _points(shape: _Element) -> list[tuple[float, float]]:
    points = [(float(x), float(y)) for x, y in (point.split(',') for point in shape.attrib['points'].split(';'))]
    if not np.isfinite(points).all():
        raise ValueError('a point is not a number')
    return points


def _polygon(object_id: int, shape: _Element) -> Mark:
    return Mark(object_id, polygon=Polygon(tuple(_points(shape))))


def _box(object_id: int, shape: _Element) -> Mark:
    return Mark(object_id, box=Box(*(float(shape.attrib[key]) for key in ('xtl', 'ytl', 'xbr', 'ybr'))))


def _polyline(object_id: int, shape: _Element) -> Mark:
    return Mark(object_id, scribble=Scribble(tuple(_points(shape))))


def _clicks(object_id: int, shape: _Element) -> Mark:
    points = _points(shape)
    if len(points) == 1:
        return Mark(object_id, click=Click(*points[0]))
    raise InputError(f'{len(points)} points; expected one, or a polyline.')


def _mask(object_id: int, shape: _Element) -> Mark:
    left, top, width, height = (int(shape.attrib[key]) for key in ('left', 'top', 'width', 'height'))
    code, label = shape.attrib['rle'], shape.get('label', f'object {object_id}')
    lengths = [int(length) for length in code.split(',')]
    if min(lengths) < 0 or not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE) or sum(lengths) != width * height:
        raise InputError(f'its runs cover {sum(lengths)} pixels; expected width x height, {width}x{height}.')

    def paint(size: tuple[int, int]) -> np.ndarray:
        runs = np.array(code.split(','), np.int64)  # kept as text until then: a tenth of the numbers' memory
        part = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
        return placed(part, left, top, size, label)

    return Mark(object_id, mask=paint)


_MAKERS: dict[str, Callable[[int, _Element], Mark]] = {
    'mask': _mask,
    'polygon': _polygon,
    'box': _box,
    'points': _clicks,
    'polyline': _polyline,
}
