"""COCO's run-length codes of masks, checked before the decoder sees them."""

from collections.abc import Mapping
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
