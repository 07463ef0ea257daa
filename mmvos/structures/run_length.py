"""COCO's run-length codes of masks, checked before the decoder sees them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from .errors import InputError

#: longest side of a mask that is decoded
_LARGEST_SIDE = 1 << 15


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """Bool ``(H, W)`` as a compressed code ``dict(size=[H, W], counts=str)``, ready for JSON."""
    code = coco.encode(np.asfortranarray(mask, np.uint8))
    return dict(size=[int(side) for side in code['size']], counts=code['counts'].decode())


def decode_mask(code: Any, where: str = 'mask') -> np.ndarray:
    """Bool ``(H, W)`` of a compressed code.

    Args:
        code (Mapping): ``dict(size, counts)``.
        where (str): what the code is of, for the message.

    Raises:
        InputError: not a code, or one that does not cover its size; the decoder itself would crash or never return.
    """
    problem = run_length_problem(code)
    if problem:
        raise InputError(f'{where}: {problem}')
    counts = code['counts']
    counts = counts.encode() if isinstance(counts, str) else counts
    return coco.decode(dict(size=list(code['size']), counts=counts)).astype(bool)


def run_length_problem(code: Any) -> str | None:
    """What is wrong with a compressed code; None if nothing is.

    Six bits a character, five of them of a number; numbers from the fourth on are differences to the last but one.
    """
    if not isinstance(code, Mapping) or not {'size', 'counts'} <= code.keys():
        return 'not a run-length code; expected size and counts.'
    size, counts = code['size'], code['counts']
    if not (
        isinstance(size, (list, tuple))
        and len(size) == 2
        and all(isinstance(side, int) and not isinstance(side, bool) and 0 < side <= _LARGEST_SIDE for side in size)
    ):
        return f'size is {size!r}; expected [height, width].'
    if not isinstance(counts, (str, bytes)):
        return 'counts is not a compressed RLE.'
    data = counts.encode('latin-1', 'replace') if isinstance(counts, str) else counts
    codes = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        return 'counts is not a compressed RLE.'
    ends = np.flatnonzero(codes < 32)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    if place.max() > 11:
        return 'counts is not a compressed RLE.'
    runs = np.add.reduceat((codes & 31) << (5 * place), starts)
    runs -= (codes[ends] >> 4 & 1) << (5 * lengths)  # the last character's fifth bit is the sign
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min() < 0 or runs.sum() != size[0] * size[1]:
        return f'counts does not add up to the {size[0]} x {size[1]} pixels of size.'
    return None


def are_sound(counts: Sequence[str], pixels: Sequence[int]) -> bool:
    """Whether :func:`run_length_problem` finds nothing in any of many codes; all at once, for files of 100,000 masks.

    Args:
        counts (Sequence[str]): their ``counts``.
        pixels (Sequence[int]): how many pixels each must cover.
    """
    data = [code.encode('latin-1', 'replace') for code in counts]
    if not data:
        return True
    codes = np.frombuffer(b''.join(data), np.uint8).astype(np.int64) - 48
    last = np.cumsum([len(code) for code in data]) - 1
    if not all(data) or codes.min() < 0 or codes.max() > 63 or (codes[last] & 32).any():
        return False
    ends = np.flatnonzero(codes < 32)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 12:
        return False
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 31) << (5 * place), starts)
    runs -= (codes[ends] >> 4 & 1) << (5 * lengths)
    owner = np.searchsorted(last, ends)  # which code a run belongs to, and its number in it
    first = np.searchsorted(owner, np.arange(len(data)))
    number = np.arange(len(runs)) - first[owner]
    # runs 1, 3, 5, ... and 2, 4, 6, ... of a code are differences to the one before
    series = 3 * owner + np.where(number == 0, 0, 2 - number % 2)
    order = np.argsort(series, kind='stable')
    runs, series = runs[order], series[order]
    begins = np.concatenate([[0], np.flatnonzero(np.diff(series)) + 1])
    sums = np.cumsum(runs)
    runs = sums - np.repeat((sums - runs)[begins], np.diff(np.append(begins, len(runs))))
    return bool(runs.min() >= 0 and (np.add.reduceat(runs, first) == np.asarray(pixels)).all())


#: longest outline of polygons that is drawn, in pixels: the decoder keeps five points of each
_LONGEST_OUTLINE = 4_000_000


def mask_problem(mask: Any, size: Sequence[int]) -> str | None:
    """What is wrong with a mask of an annotation file; None if nothing is.

    Args:
        mask (Any): polygons ``[[x1, y1, x2, y2, ...], ...]``, or a run-length code whose ``counts`` are a list of numbers or a
            compressed code.
        size (Sequence[int]): ``(H, W)`` that it must have.
    """
    if isinstance(mask, list):
        return _polygon_problem(mask)
    if isinstance(mask, Mapping) and isinstance(mask.get('counts'), list):
        counts = mask['counts']
        if not all(type(count) is int and count >= 0 for count in counts):
            return 'counts holds something that is no length of a run.'
        if mask.get('size') == list(size) and sum(counts) != size[0] * size[1]:
            return f'counts does not add up to the {size[0]} x {size[1]} pixels of size.'
    else:
        problem = run_length_problem(mask)
        if problem:
            return problem
    if not isinstance(mask.get('size'), (list, tuple)) or list(mask['size']) != list(size):
        return f'size is {mask.get("size")!r}, the video is {list(size)} (height, width).'
    return None


def _polygon_problem(polygons: list[Any]) -> str | None:
    outline = 0.0
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            return 'a polygon is not a list [x1, y1, x2, y2, ...] of at least three points.'
        if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e6 for v in polygon):
            return 'a polygon has a coordinate that is no number, or far outside of the picture.'
        points = np.array(polygon, np.float64).reshape(-1, 2)
        outline += float(np.abs(points - np.roll(points, 1, 0)).max(1).sum())
    return 'polygons whose outline is longer than any picture has.' if outline > _LONGEST_OUTLINE else None


def as_code(mask: Any, size: Sequence[int]) -> dict[str, Any]:
    """A mask of an annotation file, checked by :func:`mask_problem`, as a compressed code of a frame of size ``(H, W)``."""
    if isinstance(mask, list):
        return coco.merge(coco.frPyObjects(mask, *size))
    return coco.frPyObjects(mask, *size) if isinstance(mask['counts'], list) else dict(mask)
