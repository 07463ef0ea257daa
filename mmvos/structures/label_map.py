"""Label maps: reading, checking, writing, palettes and one-hot masks.

A label map is uint8 ``(H, W)``: 0 background, k the object with id k, 255 void.
"""

import io
import os
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from .atomic import atomic_path
from .errors import InputError
from .files import PathLike, read_bytes

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


#: formats that are looked for, and no other (a reader of PostScript would start a program)
FORMATS = ('PNG', 'JPEG', 'BMP', 'TIFF', 'WEBP', 'PPM', 'GIF')
#: tag of EXIF that says how an image is turned, 1..8
ORIENTATION = 0x0112
#: largest size of an image file, in bytes
MAX_IMAGE_BYTES = 2**30
_MASK = 'a label map: an 8-bit palette or grey PNG whose pixel values are object ids (0 = background)'


def open_image(data: bytes, name: str) -> Image.Image:
    """An image of which only the header was read. More pixels than Pillow allows (179 million) are refused.

    Args:
        data (bytes): contents of the file.
        name (str): name of the file, for messages.

    Raises:
        InputError: no image, damaged, or too large.
    """
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(f'{name}: declares more pixels than any video frame has ({error}).') from error
    except UnidentifiedImageError as error:
        raise InputError(f'{name}: cannot be read as an image. Expected {", ".join(FORMATS)}.') from error
    except Exception as error:  # whatever Pillow meets in foreign bytes
        raise InputError(f'{name}: cannot be read as an image ({error}).') from error


def orientation_of(image: Image.Image) -> int:
    """How an image is turned, 1..8, as its EXIF data say; other metadata do not count, as for OpenCV."""
    for key in ('XML:com.adobe.xmp', 'xmp'):
        image.info.pop(key, None)
    return image.getexif().get(ORIENTATION, 1)


def read_palette(path: PathLike) -> np.ndarray | None:
    """The palette of an indexed PNG, uint8 ``(256, 3)``, grey where the file has fewer entries; None if it has none."""
    with open_image(read_bytes(path, 'a mask', MAX_IMAGE_BYTES), os.fspath(path)) as image:
        if image.mode != 'P':
            return None
        colours = np.asarray(image.getpalette('RGB'), np.uint8).reshape(-1, 3)
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    palette[: len(colours)] = colours
    return palette


def decode_label_map(data: bytes, name: str, lossy: bool = False) -> np.ndarray:
    """Pixel values of an image file of one channel.

    Args:
        data (bytes): contents of the file. Its orientation tag (EXIF), if any, is followed.
        name (str): name of the file, for messages.
        lossy (bool): whether a JPEG is accepted, whose values are close to the true ones.

    Returns:
        uint8 ``(H, W)``.

    Raises:
        InputError: naming the file and what was expected of it.
    """
    with open_image(data, name) as image:
        if image.mode not in ('P', 'L', '1'):
            depth = '16-bit or 32-bit' if image.mode.startswith(('I', 'F')) else image.mode
            raise InputError(f'{name}: this mask is a {depth} image. Expected {_MASK}.')
        if image.format == 'JPEG' and not lossy:
            raise InputError(
                f'{name}: this mask is a JPEG, whose pixel values are not exact, so that edges become objects of their own. '
                'Expected a PNG; a mask of one object can be read as it is with binary=True (--binary).'
            )
        try:
            return np.array(image if orientation_of(image) == 1 else ImageOps.exif_transpose(image), dtype=np.uint8)
        except Exception as error:  # whatever Pillow meets in foreign bytes
            raise InputError(f'{name}: cannot be read as an image, it is damaged or cut short ({error}).') from error


def read_label_map(
    path: PathLike,
    shape: tuple[int, int] | None = None,
    size_mismatch: str = 'error',
    binary: bool = False,
    threshold: int | None = None,
) -> np.ndarray:
    """Read a label map and check it.

    Args:
        path (PathLike): 8-bit palette or grey PNG (with ``binary`` also a grey JPEG).
        shape (tuple[int, int] | None): ``(H, W)`` that the frame has; None: any.
        size_mismatch (str): ``'error'``, or ``'resize'`` (nearest neighbour to ``shape``).
        binary (bool): whether every value above ``threshold``, void included, becomes object 1.
        threshold (int | None): with ``binary``, the largest value that is background. Default: 0, in a JPEG 127.

    Returns:
        uint8 ``(H, W)``.

    Raises:
        MissingFileError: there is no such file.
        InputError: naming the file and what was expected of it.
    """
    name = os.fspath(path)
    data = read_bytes(path, 'a mask', MAX_IMAGE_BYTES)
    label_map = decode_label_map(data, name, lossy=binary)
    if binary:
        background = threshold if threshold is not None else 127 if data[:2] == b'\xff\xd8' else 0
        label_map = (label_map > background).astype(np.uint8)
    else:
        check_hard_edges(label_map, name)
    return fitted(label_map, name, shape, size_mismatch)


def fitted(label_map: np.ndarray, name: str, shape: tuple[int, int] | None, size_mismatch: str = 'error') -> np.ndarray:
    """The label map ``(H, W)`` at the size of its frame.

    Args:
        label_map (ndarray): ``(h, w)``.
        name (str): where it comes from, for messages.
        shape (tuple[int, int] | None): ``(H, W)`` of the frame; None: any.
        size_mismatch (str): what to do where the sizes differ: ``'error'``, or ``'resize'`` (nearest neighbour).

    Raises:
        InputError: the sizes differ and must not.
    """
    if shape is None or label_map.shape == tuple(shape):
        return label_map
    if size_mismatch != 'resize':
        raise InputError(
            f'{name}: the mask is {label_map.shape[1]}x{label_map.shape[0]}, its frame is {shape[1]}x{shape[0]} '
            "(width x height). Give a mask of the frame's size, or resize it (nearest neighbour): size_mismatch='resize', "
            '--fit-masks.'
        )
    return np.asarray(cv2.resize(label_map, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def check_hard_edges(label_map: np.ndarray, name: str) -> None:
    """Raise :class:`InputError` for a mask with soft edges, whose levels of grey would become dozens of objects.

    That is one with eight values or more of which three in four have no pixel that is surrounded by its own value: no set of
    objects looks like that.

    Args:
        label_map (np.ndarray): uint8 ``(H, W)``.
        name (str): name of its file, for messages.
    """
    if label_map.max(initial=0) < 8:  # as most label maps: too few values for soft edges
        return
    # OpenCV counts bytes as they are, numpy's bincount makes them eight times as large first
    counts = cv2.calcHist([label_map], [0], None, [256], [0, 256])[1:VOID, 0]
    found = np.flatnonzero(counts) + 1
    if len(found) < 8:
        return
    kernel = np.ones((3, 3), np.uint8)
    inside = cv2.dilate(label_map, kernel) == cv2.erode(label_map, kernel)
    solid = np.bincount(label_map[inside], minlength=256)[found] > 0
    if np.count_nonzero(solid) * 4 <= len(found):
        raise InputError(
            f'{name}: the mask has {len(found)} values between 0 and 255, of which {np.count_nonzero(~solid)} are a few pixels '
            'along edges: it was drawn with a soft brush, or resized. Expected one value per object; give it hard edges, or '
            'read it as a mask of one object with binary=True (--binary).'
        )


def write_label_map(path: PathLike, label_map: np.ndarray, palette: np.ndarray | None = None) -> None:
    """Write an indexed PNG: all 256 palette entries, the same bytes for the same input, complete or not there at all.

    Args:
        path (PathLike): file; its folder is made where it is missing.
        label_map (ndarray): uint8 ``(H, W)``.
        palette (ndarray | None): colours, uint8 ``(256, 3)`` RGB. Default: those of DAVIS.

    Raises:
        InputError: it is no label map: values that are no whole numbers from 0 to 255, or no pixels.
    """
    labels = np.asarray(label_map)
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in 'buif':
        raise InputError(f'{os.fspath(path)}: {labels.dtype} {labels.shape} is no label map; expected uint8 (H, W).')
    if labels.dtype != np.uint8 and not np.array_equal(labels.astype(np.uint8), labels):
        raise InputError(f'{os.fspath(path)}: a label map holds numbers that are not 0..255; expected uint8 (H, W).')
    height, width = labels.shape
    image = Image.new('P', (width, height))
    image.frombytes(np.ascontiguousarray(labels, np.uint8).tobytes())
    image.putpalette((DAVIS_PALETTE if palette is None else palette).astype(np.uint8).tobytes())
    with atomic_path(path) as temporary:
        image.save(temporary, format='PNG', compress_level=3)


def object_ids_of(label_map: np.ndarray) -> list[int]:
    """Ids of the objects in a label map, uint8 ``(H, W)``, ascending, without background and void."""
    counts = np.bincount(label_map.ravel(), minlength=256)
    return [int(i) for i in np.flatnonzero(counts[1:VOID]) + 1]


def one_hot(label_map: np.ndarray | Tensor, object_ids: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Masks of the given objects.

    Args:
        label_map (ndarray | Tensor): ``(..., H, W)``.
        object_ids (Sequence[int]): N ids.
        dtype (torch.dtype): type of the masks.

    Returns:
        Tensor ``(N, ..., H, W)``, 1 inside the object and 0 elsewhere (void included).
    """
    label_map = torch.as_tensor(label_map)
    ids = torch.as_tensor(list(object_ids), dtype=label_map.dtype, device=label_map.device)
    return (label_map[None] == ids.view(-1, *[1] * label_map.dim())).to(dtype)
