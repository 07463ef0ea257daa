"""Packed data sets: many small files in a few large ones, read as if they still were files.

A pack is a folder with

- ``shard-00000.tar``, ...: the files, byte by byte, in plain tar archives (``tar xf`` restores them);
- ``index.bin``: a row for each file, of type :data:`ROW`, sorted by folder and name; ``names.bin``: their names, one after
  another;
- ``pack.json``: sizes and checksums of all that, and the first row of every folder.

Nothing of it is run when it is read, every file is checked by its CRC-32, and the index is mapped into memory, so that all
processes of a machine share it.
"""

import itertools
import json
import os
import posixpath
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from mmengine.fileio import BaseStorageBackend, register_backend

from mmvos.structures import InputError, MissingFileError, read_json

#: a file: end of its name in ``names.bin``, number of its shard, place and size of its contents there, CRC-32 of them
ROW = np.dtype([('name_end', '<u8'), ('shard', '<u4'), ('crc', '<u4'), ('offset', '<u8'), ('size', '<u8')])
META, INDEX, NAMES, FORMAT = 'pack.json', 'index.bin', 'names.bin', 'mmvos-pack-1'
AGAIN = 'Make it with `mmvos pack`.'
#: of a file: number of its shard, place and size there, CRC-32
Entry = tuple[int, int, int, int]
#: folders whose names a process keeps as text
MAX_FOLDERS = 1024
#: shards that a process keeps open
MAX_OPEN = 128


class Pack:
    """A packed data set that is open for reading; may be used by several threads, and by processes forked later.

    Args:
        root (str): its folder.

    Raises:
        MissingFileError: no pack there, or a part of it is missing.
        InputError: it is damaged.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        place = os.path.join(root, META)
        meta = read_json(place, f'the description of a packed data set. {AGAIN}')
        try:
            if meta['format'] != FORMAT:
                raise InputError(f'{place}: the format is {meta["format"]!r}; expected {FORMAT!r}. {AGAIN}')
            self.shards: list[tuple[str, int]] = [(str(name), int(size)) for name, size in meta['shards']]
            if any(name != os.path.basename(name) for name, _ in self.shards):
                raise InputError(f'{place}: a shard in another folder. {AGAIN}')
            rows: dict[str, tuple[int, int]] = {str(k): (int(a), int(b)) for k, (a, b) in meta['folders'].items()}
            checks = {name: int(meta['crc'][name]) for name in (INDEX, NAMES)}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f'{place}: not the description of a packed data set ({error!r}). {AGAIN}') from error
        self.index = self._mapped(INDEX, checks[INDEX]).view(ROW)
        self.names = self._mapped(NAMES, checks[NAMES])
        self._check(rows)
        self.folders = rows
        self.subfolders: dict[str, set[str]] = {'': set()}
        for folder in rows:
            while folder:
                parent, name = posixpath.split(folder)
                self.subfolders.setdefault(folder, set())
                self.subfolders.setdefault(parent, set()).add(name)
                folder = parent
        self._open: dict[int, _OpenFile] = {}
        self._entries = lru_cache(MAX_FOLDERS)(self._entries_of)

    def _mapped(self, name: str, crc: int) -> np.ndarray:
        path = os.path.join(self.root, name)
        try:
            data = np.memmap(path, np.uint8, 'r') if os.path.getsize(path) else np.zeros(0, np.uint8)
        except FileNotFoundError as error:
            raise MissingFileError(f'{path}: not found, but it is a part of this packed data set. {AGAIN}') from error
        if zlib.crc32(data.data) != crc:
            raise InputError(f'{path}: damaged: its checksum is not that of {META}. {AGAIN}')
        return data

    def _check(self, folders: dict[str, tuple[int, int]]) -> None:
        """The index agrees with itself: nothing leads out of a shard, of the names, or of the rows."""
        ends, shards = self.index['name_end'], self.index['shard']
        sizes = np.array([size for _, size in self.shards] or [0], np.uint64)
        sound = not len(self.index) or (
            int(ends[-1]) == len(self.names)
            and bool((np.diff(ends.astype(np.int64)) > 0).all())
            and int(shards.max()) < len(self.shards)
            and bool((self.index['offset'] + self.index['size'] <= sizes[shards]).all())
        )
        if not sound or any(not 0 <= first <= last <= len(self.index) for first, last in folders.values()):
            raise InputError(f'{os.path.join(self.root, INDEX)}: damaged: it does not agree with {META} and {NAMES}. {AGAIN}')

    def __len__(self) -> int:
        return len(self.index)

    def file_names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted by their bytes."""
        first, last = self.folders.get(folder, (0, 0))
        ends = self.index['name_end'][first:last].tolist()
        begin = int(self.index['name_end'][first - 1]) if first else 0
        text = self.names[begin : ends[-1]].tobytes() if ends else b''
        return [os.fsdecode(text[i - begin : j - begin]) for i, j in itertools.pairwise([begin, *ends])]

    def paths(self) -> Iterator[str]:
        """Paths of all files, by folder."""
        for folder in self.folders:
            yield from (posixpath.join(folder, name) for name in self.file_names(folder))

    def __contains__(self, path: str) -> bool:
        folder, _, name = path.rpartition('/')
        return name in self._entries(folder)

    def _entries_of(self, folder: str) -> dict[str, Entry]:
        """Files of a folder by name."""
        first, last = self.folders.get(folder, (0, 0))
        rows = self.index[first:last]
        columns = (rows[column].tolist() for column in ('shard', 'offset', 'size', 'crc'))
        return dict(zip(self.file_names(folder), zip(*columns, strict=True), strict=True))

    def read(self, path: str) -> bytes:
        """Contents of a file.

        Args:
            path (str): its path in the data set.

        Raises:
            MissingFileError: there is no such file, or its shard is missing.
            InputError: the shard is damaged.
        """
        folder, _, name = path.rpartition('/')
        entry = self._entries(folder).get(name)
        if entry is None:
            raise MissingFileError(f'{posixpath.join(self.root, path)}: not found in this packed data set.')
        shard, offset, size, crc = entry
        data = self._read_at(shard, offset, size)
        if len(data) != size or zlib.crc32(data) != crc:
            place = os.path.join(self.root, self.shards[shard][0])
            raise InputError(f'{place}: damaged: {path!r} at byte {offset} is not what was packed. {AGAIN}')
        return data

    def _read_at(self, shard: int, offset: int, size: int) -> bytes:
        file = self._open.get(shard)
        if file is None:
            file = self._opened(shard)
        # pread moves no position that threads and forked processes would share
        return os.pread(file.handle, size, offset)

    def _opened(self, shard: int) -> '_OpenFile':
        name, size = self.shards[shard]
        path = os.path.join(self.root, name)
        try:
            file = _OpenFile(path)
        except FileNotFoundError as error:
            raise MissingFileError(f'{path}: not found, but it is a part of this packed data set. {AGAIN}') from error
        found = os.fstat(file.handle).st_size
        if found != size:
            raise InputError(f'{path}: damaged: it has {found} bytes; expected {size}. {AGAIN}')
        self._open[shard] = file
        for oldest in list(self._open)[:-MAX_OPEN]:  # other threads may be at it, too
            self._open.pop(oldest, None)  # closed with its last reader
        return file


class _OpenFile:
    """A file that is closed when it is no longer used."""

    def __init__(self, path: str) -> None:
        self.handle = os.open(path, os.O_RDONLY)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:  # `os` is gone at the end of a process
        if hasattr(self, 'handle'):
            close(self.handle)


@lru_cache(maxsize=16)
def open_pack(root: str) -> Pack:
    """The pack in a folder, opened once per process."""
    return Pack(root)


#: folders of packs by folders in them, and the packs themselves with the paths of these folders in them
_ROOTS: dict[str, str] = {}
_FOLDERS: dict[str, tuple[Pack, str]] = {}


def _root_of(folder: str) -> str | None:
    """The nearest folder above, or this one, that is a pack."""
    if folder not in _ROOTS:
        root = folder
        while not os.path.isfile(os.path.join(root, META)):
            parent = posixpath.dirname(root)
            if parent == root:
                return None
            root = parent
        _ROOTS[folder] = root
    return _ROOTS[folder]


@register_backend('pack', force=True)
class PackBackend(BaseStorageBackend):
    """Storage backend of mmengine, ``backend_args=dict(backend='pack')``: a packed data set is read as the folder that it was
    made of; ``data_root`` is the folder of the pack. Paths outside packs are not found."""

    def get(self, filepath: str | os.PathLike) -> bytes:
        """Contents of a file; errors as in :meth:`Pack.read`."""
        pack, path = self._place(filepath)
        return pack.read(path)

    def get_text(self, filepath: str | os.PathLike, encoding: str = 'utf-8') -> str:
        """A text file; errors as in :meth:`Pack.read`."""
        return self.get(filepath).decode(encoding)

    def isfile(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a file."""
        place = self._found(filepath)
        return place is not None and place[1] in place[0]

    def isdir(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a folder."""
        place = self._found(filepath)
        return place is not None and place[1] in place[0].subfolders

    def exists(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a file or folder."""
        return self.isfile(filepath) or self.isdir(filepath)

    def join_path(self, filepath: str | os.PathLike, *filepaths: str | os.PathLike) -> str:
        """A path below another."""
        return posixpath.join(os.fspath(filepath), *(os.fspath(path) for path in filepaths))

    def list_dir_or_file(
        self,
        dir_path: str | os.PathLike,
        list_dir: bool = True,
        list_file: bool = True,
        suffix: str | tuple[str, ...] | None = None,
        recursive: bool = False,
    ) -> Iterator[str]:
        """Paths of folders and files in a folder, relative to it; arguments as for mmengine's backends.

        Args:
            dir_path (str | PathLike): the folder, below the pack's.
            list_dir, list_file (bool): whether folders and files are named.
            suffix (str | tuple[str, ...] | None): how the names of files must end; None: any.
            recursive (bool): also what is in the folders below.
        """
        pack, folder = self._place(dir_path)
        for name in sorted(pack.subfolders.get(folder, ())):
            if list_dir and not suffix:
                yield name
            if recursive:
                below = self.list_dir_or_file(posixpath.join(os.fspath(dir_path), name), list_dir, list_file, suffix, True)
                yield from (posixpath.join(name, path) for path in below)
        if list_file:
            yield from (name for name in pack.file_names(folder) if not suffix or name.endswith(suffix))

    def _place(self, path: str | os.PathLike) -> tuple[Pack, str]:
        place = self._found(path)
        if place is None:
            raise MissingFileError(
                f'{os.fspath(path)}: no packed data set there ({META} in none of the folders above). {AGAIN}'
            )
        return place

    @staticmethod
    def _found(path: str | os.PathLike) -> tuple[Pack, str] | None:
        name = str(os.fspath(path))
        folder, _, base = name.rpartition('/')
        known = _FOLDERS.get(folder)
        if known is not None and base not in ('', '.', '..'):
            return known[0], f'{known[1]}{base}'
        name = posixpath.normpath(name)
        folder = posixpath.dirname(name)
        root = _root_of(folder) or _root_of(name)
        if root is None:
            return None
        pack, inside = open_pack(root), name[len(root) :].lstrip('/')
        if inside and folder not in _FOLDERS:
            above = posixpath.dirname(inside)
            _FOLDERS[folder] = pack, f'{above}/' if above else ''
        return pack, inside


def described(pack: Pack) -> dict[str, Any]:
    """What a pack holds, in numbers."""
    return dict(files=len(pack), folders=len(pack.folders), shards=len(pack.shards), bytes=sum(size for _, size in pack.shards))


def write_index(root: str, shards: list[tuple[str, int]], rows: list[tuple[str, int, int, int, int]]) -> None:
    """Write the index of a pack whose shards are complete; ``pack.json``, which makes it a pack, comes last.

    Args:
        root (str): its folder.
        shards (list[tuple[str, int]]): names and sizes of the shards.
        rows (list): path, shard, offset, size and CRC-32 of each file.
    """
    from mmvos.structures import atomic_path

    ordered = sorted(rows, key=lambda row: tuple(os.fsencode(part) for part in posixpath.split(row[0])))
    index, names = np.zeros(len(ordered), ROW), bytearray()
    folders: dict[str, tuple[int, int]] = {}
    for number, (path, shard, offset, size, crc) in enumerate(ordered):
        folder, name = posixpath.split(path)
        names += os.fsencode(name)
        index[number] = (len(names), shard, crc, offset, size)
        folders[folder] = (folders.get(folder, (number, 0))[0], number + 1)
    parts = {INDEX: index.tobytes(), NAMES: bytes(names)}
    for name, data in parts.items():
        with atomic_path(os.path.join(root, name), durable=True) as temporary, open(temporary, 'wb') as file:
            file.write(data)
    checks = {name: zlib.crc32(data) for name, data in parts.items()}
    meta = dict(format=FORMAT, shards=shards, files=len(ordered), folders=folders, crc=checks)
    with atomic_path(os.path.join(root, META), durable=True) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        json.dump(meta, file)
