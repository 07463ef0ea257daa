"""Label maps: reading, checking, writing, palettes, one-hot masks and compression.

A label map is uint8 ``(H, W)``: 0 background, k the object with id k, 255 void.
"""

import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from .atomic import atomic_path

VOID = 255
MAX_OBJECT_ID = 254


def voc_palette() -> np.ndarray:
    """PASCAL VOC colour map, uint8 ``(256, 3)`` RGB: bit j of the index goes to bit 7 - j//3 of channel j % 3."""
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        palette[:, bit % 3] |= (((index >> bit) & 1) << (7 - bit // 3)).astype(np.uint8)
    return palette


def davis_palette() -> np.ndarray:
    """The palette of the DAVIS 2017 annotation files, uint8 ``(256, 3)`` RGB.

    As PASCAL VOC up to index 21 but with 191 in place of 192, then grey ``(i, i, i)``, so that void is white.
    """
    palette = voc_palette()
    palette[palette == 192] = 191
    palette[22:] = np.arange(22, 256)[:, None]
    return palette


DAVIS_PALETTE = davis_palette()


def read_palette(path: str | os.PathLike) -> np.ndarray | None:
    """The palette of an indexed PNG, uint8 ``(256, 3)``, grey where the file has fewer entries; None if it has none."""
    with Image.open(path) as image:
        if image.mode != 'P':
            return None
        colours = np.asarray(image.getpalette('RGB'), np.uint8).reshape(-1, 3)
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    palette[: len(colours)] = colours
    return palette


def read_label_map(
    path: str | os.PathLike,
    shape: tuple[int, int] | None = None,
    size_mismatch: str = 'error',
    binary: bool = False,
    threshold: int | None = None,
    data: bytes | None = None,
) -> np.ndarray:
    """Read a label map and check it.

    Args:
        path: an 8-bit palette or grey PNG (grey JPEG where a data set has such).
        shape: ``(H, W)`` that the frame has; None: any.
        size_mismatch: ``'error'``, or ``'resize'`` (nearest neighbour to ``shape``).
        binary: every value > 0 (or > ``threshold``), void included, becomes object 1.
        threshold: with ``binary``: the largest value that is background (default 0).
        data: contents of the file where it is not on disk (an entry of an archive); ``path`` is then its name only.

    Returns:
        uint8 ``(H, W)``.

    Raises:
        FileNotFoundError, ValueError: naming the file and what was expected of it.
    """
    path = os.fspath(path)
    try:
        with Image.open(path if data is None else io.BytesIO(data)) as image:
            mode = image.mode
            if mode not in ('P', 'L', '1'):
                depth = '16-bit or 32-bit' if mode.startswith(('I', 'F')) else mode
                raise ValueError(
                    f'{path}: this mask is a {depth} image. Expected an 8-bit palette or grey PNG whose '
                    'pixel values are object ids (0 = background).'
                )
            label_map = np.array(image, dtype=np.uint8)
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: mask file not found.') from None
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f'{path}: cannot be read as an image ({error}). Expected an 8-bit palette or grey PNG.') from None
    if shape is not None and label_map.shape != tuple(shape):
        if size_mismatch != 'resize':
            raise ValueError(
                f'{path}: the mask is {label_map.shape[1]}x{label_map.shape[0]}, its frame is {shape[1]}x{shape[0]} '
                "(width x height). Give a mask of the frame's size, or allow it with size_mismatch='resize' "
                '(nearest neighbour).'
            )
        label_map = cv2.resize(label_map, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    if binary:
        label_map = (label_map > (threshold or 0)).astype(np.uint8)
    return label_map


def write_label_map(path: str | os.PathLike, label_map: np.ndarray, palette: np.ndarray | None = None) -> None:
    """Write an indexed PNG: all 256 palette entries, the same bytes for the same input, complete or not there at all."""
    path = Path(path)
    image = Image.new('P', (label_map.shape[1], label_map.shape[0]))
    image.frombytes(np.ascontiguousarray(label_map, np.uint8).tobytes())
    image.putpalette((DAVIS_PALETTE if palette is None else palette).astype(np.uint8).tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        image.save(temporary, format='PNG', compress_level=3)


def object_ids_of(label_map: np.ndarray) -> list:
    """Ids of the objects in a label map, ascending, without background and void."""
    counts = np.bincount(label_map.ravel(), minlength=256)
    return [int(i) for i in np.flatnonzero(counts[1:VOID]) + 1]


def one_hot(label_map: np.ndarray | Tensor, object_ids: Sequence[int], dtype=torch.float32) -> Tensor:
    """Masks of the given objects.

    Args:
        label_map: ``(..., H, W)``.
        object_ids: N ids.

    Returns:
        Tensor ``(N, ..., H, W)``, 1 inside the object and 0 elsewhere (void included).
    """
    label_map = torch.as_tensor(label_map)
    ids = torch.as_tensor(list(object_ids), dtype=label_map.dtype, device=label_map.device)
    return (label_map[None] == ids.view(-1, *[1] * label_map.dim())).to(dtype)


class CompressedLabelMap(NamedTuple):
    """A label map packed with zlib (a few kB at 480p): what is kept of a frame that must be kept."""

    data: bytes
    shape: tuple[int, int]


def compress(label_map: np.ndarray) -> CompressedLabelMap:
    """Pack a uint8 ``(H, W)`` label map."""
    return CompressedLabelMap(zlib.compress(np.ascontiguousarray(label_map, np.uint8).tobytes(), 1), label_map.shape)


def decompress(packed: CompressedLabelMap) -> np.ndarray:
    """The label map that :func:`compress` packed."""
    return np.frombuffer(zlib.decompress(packed.data), np.uint8).reshape(packed.shape)
