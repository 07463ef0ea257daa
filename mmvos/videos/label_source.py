"""Label maps that are more than one file of object ids: several masks of a frame, tables of regions, soft masks."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

import numpy as np

from mmvos.structures import MAX_OBJECT_ID, read_label_map

PathLike = str | os.PathLike
#: where a label map comes from: a file, an array uint8 ``(H, W)``, or a :class:`LabelSource`
AnnotationSource = Union[PathLike, np.ndarray, 'LabelSource']  # noqa: UP007 (a forward reference)


class LabelSource:
    """One frame's label map, made from its files when it is asked for (``source.read()``, or ``np.asarray(source)``).

    Args:
        paths: one file, or several masks of one frame. Several: mask number i (from 0) becomes object ``ids[i]`` where
            it is not 0; a later one covers an earlier one.
        ids: of the masks (default 1, 2, ...).
        table: ``{pixel value: object id}`` for a single file whose values are not ids; values that are not listed
            become background.
        threshold: a pixel belongs to a mask if its value is above it (soft or JPEG masks: 127).
        binary: all objects become object 1.
        size_mismatch: ``'error'``, or ``'resize'``: a mask of another size is resized (nearest neighbour).
        reader: callable ``path -> uint8 (H, W)`` for a format of its own, in place of :func:`read_label_map`. Has to be
            picklable.
    """

    def __init__(
        self,
        paths: PathLike | Sequence[PathLike],
        *,
        ids: Sequence[int] | None = None,
        table: Mapping[int, int] | None = None,
        threshold: int = 0,
        binary: bool = False,
        size_mismatch: str = 'error',
        reader: Callable[[str], np.ndarray] | None = None,
    ) -> None:
        several = not isinstance(paths, (str, os.PathLike))
        self.paths = [os.fspath(p) for p in paths] if several else [os.fspath(paths)]
        self.ids = list(ids) if ids is not None else list(range(1, len(self.paths) + 1)) if several else None
        if self.ids is not None and len(self.ids) != len(self.paths):
            raise ValueError(f'{self.paths[0]}: {len(self.paths)} masks but {len(self.ids)} object ids.')
        self.table = None if table is None else dict(table)
        self.threshold, self.binary, self.size_mismatch, self.reader = threshold, binary, size_mismatch, reader

    def read(self, shape: tuple[int, int] | None = None) -> np.ndarray:
        """The label map, uint8 ``(H, W)``.

        Args:
            shape: ``(H, W)`` that it must have; None: any.

        Raises:
            FileNotFoundError, ValueError: naming the file.
        """
        if self.ids is None:
            label_map = self._read_file(self.paths[0], shape)
            if self.table is not None:
                lookup = np.zeros(256, np.uint8)
                for value, object_id in self.table.items():
                    lookup[value] = object_id
                label_map = lookup[label_map]
            elif self.threshold:
                label_map = (label_map > self.threshold).astype(np.uint8)
        else:
            label_map = None
            for path, object_id in zip(self.paths, self.ids):
                if not 1 <= object_id <= MAX_OBJECT_ID:
                    raise ValueError(f'{path}: object id {object_id} is outside 1..{MAX_OBJECT_ID}.')
                mask = self._read_file(path, shape if label_map is None else label_map.shape) > self.threshold
                label_map = np.zeros(mask.shape, np.uint8) if label_map is None else label_map
                label_map[mask] = object_id
        return (label_map > 0).astype(np.uint8) if self.binary else label_map

    def _read_file(self, path: str, shape: tuple[int, int] | None) -> np.ndarray:
        if self.reader is None:
            return read_label_map(path, shape=shape, size_mismatch=self.size_mismatch)
        mask = self.reader(path)
        if shape is not None and mask.shape != tuple(shape):
            raise ValueError(
                f'{path}: the mask is {mask.shape[1]}x{mask.shape[0]}, expected {shape[1]}x{shape[0]} (width x height).'
            )
        return mask

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        label_map = self.read()
        return label_map if dtype is None else label_map.astype(dtype)

    def __repr__(self) -> str:
        more = f' and {len(self.paths) - 1} more' if len(self.paths) > 1 else ''
        return f'{type(self).__name__}({self.paths[0]}{more})'


def read_annotation(
    source: AnnotationSource, shape: tuple[int, int] | None = None, options: dict[str, Any] | None = None
) -> np.ndarray:
    """The label map of any annotation source, uint8 ``(H, W)``.

    Args:
        source: a file, an array, or a :class:`LabelSource`.
        shape: ``(H, W)`` that it must have; None: any.
        options: keyword arguments of :func:`read_label_map` for a file (``binary``, ``threshold``, ``size_mismatch``).
    """
    if isinstance(source, np.ndarray):
        if shape is not None and source.shape != tuple(shape):
            raise ValueError(
                f'the label map is {source.shape[1]}x{source.shape[0]}, its frame is {shape[1]}x{shape[0]} (width x height).'
            )
        return source
    if isinstance(source, LabelSource):
        return source.read(shape)
    return read_label_map(source, shape=shape, **(options or {}))
