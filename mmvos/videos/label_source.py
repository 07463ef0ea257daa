"""Where label maps come from, and the one way in which they are read."""

import copy
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mmvos.structures import MAX_OBJECT_ID, InputError, PathLike, read_label_map, read_palette
from mmvos.structures.label_map import fitted


class LabelSource:
    """One frame's label map, read from its files, or made from an array, when it is asked for (:meth:`read`).

    Prompts and annotations are of this type everywhere in MMVOS; what a user gives becomes one where it enters (:meth:`of`).

    Args:
        source (PathLike | ndarray | Sequence[PathLike]): a file; or uint8 ``(H, W)``; or several masks of one frame, of which
            number i becomes object ``ids[i]`` where it is not 0, and a later one covers an earlier one.
        ids (Sequence[int] | None): ids of several masks. Default: 1, 2, ...
        table (Mapping[int, int] | None): ``{pixel value: object id}`` of a source whose values are not ids; values that are
            not listed become background. None: values are ids.
        threshold (int | None): largest value that is background, for soft and JPEG masks (of one object, or several files).
            None: values are exact.
        binary (bool): whether all objects become object 1.
        size_mismatch (str): what to do with a mask that is not of its frame's size: ``'error'``, or ``'resize'`` (nearest
            neighbour).
        reader (Callable | None): ``path -> uint8 (H, W)`` of a format of its own, in place of grey and palette images. Must be
            picklable.

    Raises:
        InputError: an option out of its range.
    """

    def __init__(
        self,
        source: PathLike | np.ndarray | Sequence[PathLike],
        *,
        ids: Sequence[int] | None = None,
        table: Mapping[int, int] | None = None,
        threshold: int | None = None,
        binary: bool = False,
        size_mismatch: str = 'error',
        reader: Callable[[str], np.ndarray] | None = None,
    ) -> None:
        self.array = source if isinstance(source, np.ndarray) else None
        self.paths: list[str] = []
        if isinstance(source, (str, os.PathLike)):
            self.paths = [os.fspath(source)]
        elif not isinstance(source, np.ndarray):
            if not isinstance(source, Sequence) or not all(isinstance(path, (str, os.PathLike)) for path in source):
                raise InputError(
                    f'a label map is {type(source).__name__}: expected a path, an array uint8 (H, W), or paths of masks.'
                )
            self.paths = [os.fspath(path) for path in source]
            ids = list(range(1, len(self.paths) + 1)) if ids is None else list(ids)
        self.ids = None if ids is None else list(ids)
        self.table = None if table is None else {int(k): int(v) for k, v in table.items()}
        self.threshold, self.binary, self.size_mismatch, self.reader = threshold, binary, size_mismatch, reader
        #: ids that :meth:`only` keeps; None: all
        self.kept: frozenset[int] | None = None
        self._check()

    def _check(self) -> None:
        if self.array is not None and (self.array.ndim != 2 or self.array.dtype.kind not in 'biu'):
            raise InputError(f'a label map is an array of shape {self.array.shape}, {self.array.dtype}; expected uint8 (H, W).')
        if self.array is None and not self.paths:
            raise InputError('a label map of no file; expected at least one.')
        if self.ids is not None and len(self.ids) != len(self.paths):
            raise InputError(f'{self.name}: {len(self.paths)} masks but {len(self.ids)} object ids.')
        for object_id in self.ids or ():
            if not 1 <= object_id <= MAX_OBJECT_ID:
                raise InputError(f'{self.name}: object id {object_id} is outside 1..{MAX_OBJECT_ID}.')
        for value, object_id in (self.table or {}).items():
            if not (0 <= value <= 255 and 0 <= object_id <= 255):
                raise InputError(f'{self.name}: value {value} becomes object {object_id}; expected numbers 0..255.')
        if self.size_mismatch not in ('error', 'resize'):
            raise InputError(f"size_mismatch is {self.size_mismatch!r}; expected 'error' or 'resize'.")

    @classmethod
    def of(cls, source: Any, **options: Any) -> 'LabelSource':
        """The label map that a user gives.

        Args:
            source (PathLike | ndarray | Sequence[PathLike] | LabelSource): see the class; a :class:`LabelSource` is returned
                as it is, with the options that it was made with.
            options (dict): keyword arguments of :class:`LabelSource`.
        """
        return source if isinstance(source, LabelSource) else cls(source, **options)

    def only(self, object_ids: Iterable[int]) -> 'LabelSource':
        """The same label map with these objects alone; the others are background."""
        source = copy.copy(self)
        source.kept = frozenset(object_ids)
        return source

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.paths[0] if self.paths else 'the label map'

    def read(self, shape: tuple[int, int] | None = None) -> np.ndarray:
        """The label map, uint8 ``(H, W)``.

        Args:
            shape (tuple[int, int] | None): ``(H, W)`` of its frame; None: any.

        Raises:
            MissingFileError: a file is not there.
            InputError: naming the file, what was found and what was expected.
        """
        if self.ids is not None:
            label_map = self._merged(shape)
        elif self.array is not None:
            label_map = fitted(_as_uint8(self.array), self.name, shape, self.size_mismatch)
        else:
            label_map = self._read_file(self.paths[0], shape)
        if self.table is not None:
            lookup = np.zeros(256, np.uint8)
            lookup[list(self.table)] = list(self.table.values())
            label_map = lookup[label_map]
        if self.binary:
            label_map = (label_map > 0).astype(np.uint8)
        return label_map if self.kept is None else np.where(np.isin(label_map, list(self.kept)), label_map, np.uint8(0))

    def _merged(self, shape: tuple[int, int] | None) -> np.ndarray:
        masks: list[np.ndarray] = []
        for path in self.paths:
            masks.append(self._read_file(path, shape if not masks else masks[0].shape))
        label_map = np.zeros_like(masks[0])
        for mask, object_id in zip(masks, self.ids or (), strict=True):
            label_map[mask > 0] = object_id
        return label_map

    def _read_file(self, path: str, shape: tuple[int, int] | None) -> np.ndarray:
        """Values of a file; with ``binary`` or a threshold 0 and 1."""
        if self.reader is None:
            binary = self.binary or self.threshold is not None
            return read_label_map(path, shape, self.size_mismatch, binary, self.threshold)
        values = fitted(self.reader(path), path, shape, self.size_mismatch)
        return values if self.threshold is None else (values > self.threshold).astype(np.uint8)

    def palette(self) -> np.ndarray | None:
        """Colours of its file, uint8 ``(256, 3)`` RGB; None where it is not an indexed PNG."""
        return read_palette(self.paths[0]) if self.paths and self.reader is None else None

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        label_map = self.read()
        return label_map if dtype is None else label_map.astype(dtype)

    def __repr__(self) -> str:
        more = f' and {len(self.paths) - 1} more' if len(self.paths) > 1 else ''
        return f'{type(self).__name__}({self.name}{more})'


def _as_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.size and not (array.min() >= 0 and array.max() <= 255):
        raise InputError(f'the label map holds values {array.min()}..{array.max()}; expected 0..255.')
    return array.astype(np.uint8)
