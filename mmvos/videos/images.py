"""Frames that are image files: which ones a folder holds, in which order, and how one is decoded."""

import os
from pathlib import Path

import cv2
import numpy as np

from mmvos.structures import InputError, PathLike, atomic_path, file_names, in_frame_order, join_all, read_bytes
from mmvos.structures.label_map import MAX_IMAGE_BYTES, open_image, orientation_of

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm')


def read_frame(path: PathLike) -> np.ndarray:
    """One image file as BGR uint8 ``(H, W, 3)``, upright as its EXIF data say; errors as in :func:`read_image`."""
    return read_image(path)


def read_image(path: PathLike, flags: int = cv2.IMREAD_COLOR, expected: str = 'a frame') -> np.ndarray:
    """An image file, upright as its EXIF data say.

    Args:
        path (PathLike): file.
        flags (int): OpenCV's flags: how many channels and bits the result has.
        expected (str): what the file should be, for messages.

    Returns:
        ``(H, W)`` or ``(H, W, C)``, channels in the order BGR.

    Raises:
        MissingFileError: there is no such file.
        InputError: no image, damaged, cut short, or of more pixels than any frame has.
    """
    name = os.fspath(path)
    data = read_bytes(path, expected, MAX_IMAGE_BYTES)
    with open_image(data, name) as header:
        turn = orientation_of(header) if header.format == 'WEBP' else 1  # OpenCV turns all others itself
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(f'{name}: no memory for its pixels.') from error
        raise InputError(f'{name}: cannot be decoded as an image ({error}). Expected {expected}.') from error
    if image is None:
        raise InputError(f'{name}: cannot be decoded as an image, it is damaged or cut short. Expected {expected}.')
    return _upright(image, turn)


def write_image(path: PathLike, image: np.ndarray, quality: int = 95) -> None:
    """Write an image file: complete, or not there; its folder is made if needed.

    Args:
        path (PathLike): file, whose suffix chooses the format.
        image (np.ndarray): grey ``(H, W)``, BGR ``(H, W, 3)`` or BGRA ``(H, W, 4)``.
        quality (int): quality of JPEG, 0 to 100.

    Raises:
        InputError: a format that OpenCV does not write, or one that cannot hold such an image.
        OSError: the file cannot be written.
    """
    try:
        done, data = cv2.imencode(Path(path).suffix, image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise InputError(f'{os.fspath(path)}: cannot be encoded as an image of this format ({error.err}).') from error
    if not done:
        raise InputError(f'{os.fspath(path)}: cannot be encoded as an image of this format.')
    with atomic_path(path) as temporary:
        Path(temporary).write_bytes(data.tobytes())


def _upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """An image ``(H, W, ...)`` turned and mirrored by a code of EXIF, 1..8."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def image_size(source: PathLike | np.ndarray) -> tuple[int, int]:
    """``(H, W)`` that :func:`read_frame` gives, from the header of an image file; or of an array.

    Raises:
        MissingFileError: there is no such file.
        InputError: no image.
    """
    if isinstance(source, np.ndarray):
        return source.shape[0], source.shape[1]
    with open_image(read_bytes(source, 'a frame', MAX_IMAGE_BYTES), os.fspath(source)) as header:
        turned = header.format != 'TIFF' and orientation_of(header) >= 5  # Pillow has turned a TIFF
        return (header.width, header.height) if turned else (header.height, header.width)


def list_images(folder: PathLike) -> list[str]:
    """Paths of the image files of a folder, hidden ones left out, in the order of frames (:func:`frame_order`).

    Raises:
        MissingFileError: there is no such folder.
    """
    names = [name for name in file_names(folder) if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith('.')]
    return join_all(folder, in_frame_order(names, suffixes=True))


def list_frames(folder: PathLike) -> list[str]:
    """Paths of the frames of a video, see :func:`list_images`.

    Raises:
        MissingFileError: there is no such folder.
        InputError: two files have the same name except for the suffix, so that the results of one would overwrite the other's.
    """
    frames = list_images(folder)
    check_stems(frames)
    return frames


def check_stems(frames: list[str]) -> None:
    """Raise :class:`InputError` if two frames have the same name except for their folders and suffixes."""
    seen: dict[str, str] = {}
    for path in frames:
        other = seen.setdefault(stem_of(path), path)
        if other is not path:
            raise InputError(f'{path}: a second frame named {stem_of(path)!r} beside {other}; expected one file per frame.')


def stem_of(path: PathLike) -> str:
    """Name of a frame: that of its file without folder and suffix."""
    return os.path.splitext(os.path.basename(path))[0]
