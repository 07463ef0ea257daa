"""Paths of files that lie elsewhere than on the disk, and the questions that readers ask of a folder, wherever it is."""

import os
import posixpath
from collections.abc import Iterable
from typing import Any, Protocol

from .errors import MissingFileError

PathLike = str | os.PathLike


class Storage(Protocol):
    """Where files lie that are not on the disk: a packed data set, an LMDB, a server. Must be picklable."""

    def read(self, path: str, expected: str, limit: int) -> bytes:
        """Contents of a file, see :func:`mmvos.structures.read_bytes`.

        Args:
            path (str): the file.
            expected (str): noun phrase that says what the file should be, for messages.
            limit (int): largest size in bytes.

        Raises:
            InputError: the file is missing, larger, or cannot be read.
        """

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""

    def file_names(self, folder: str) -> list[str]:
        """Names of the files in a folder; raises :class:`MissingFileError` where there is no such folder."""

    def folder_names(self, folder: str) -> list[str]:
        """Names of the folders in a folder; raises :class:`MissingFileError` where there is no such folder."""


class StoredPath(str):
    """A path that knows its storage: readers of files read it from there. Otherwise it is the text that it looks like.

    Args:
        path (str): the path, with ``/``.
        storage (Storage): where it lies.
    """

    __slots__ = ('storage',)
    storage: Storage

    def __new__(cls, path: str, storage: Storage) -> 'StoredPath':
        stored = super().__new__(cls, path)
        stored.storage = storage
        return stored

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredPath, (str(self), self.storage)

    def __copy__(self) -> 'StoredPath':
        return self

    def __deepcopy__(self, memo: dict) -> 'StoredPath':
        return self


def join_path(folder: PathLike, *names: str) -> str:
    """A path below a folder, in the storage of the folder."""
    if isinstance(folder, StoredPath):
        return StoredPath(posixpath.join(str(folder), *names), folder.storage)
    return os.path.join(os.fspath(folder), *names)


def join_all(folder: PathLike, names: Iterable[str]) -> list[str]:
    """Paths of many files of one folder, from their names; see :func:`join_path`."""
    base = join_path(folder, '')
    if isinstance(base, StoredPath):
        return [StoredPath(f'{base}{name}', base.storage) for name in names]
    return [base + name for name in names]


def is_file(path: PathLike) -> bool:
    """Whether there is a file of this name."""
    return path.storage.is_file(path) if isinstance(path, StoredPath) else os.path.isfile(path)


def is_folder(path: PathLike) -> bool:
    """Whether there is a folder of this name."""
    return path.storage.is_folder(path) if isinstance(path, StoredPath) else os.path.isdir(path)


def file_names(folder: PathLike, what: str = 'folder') -> list[str]:
    """Names in a folder that may be files, in no order.

    Args:
        folder (PathLike): the folder.
        what (str): what it should be, for messages.

    Raises:
        MissingFileError: there is no such folder.
    """
    if isinstance(folder, StoredPath):
        return folder.storage.file_names(folder)
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f'{os.fspath(folder)}: {what} not found.') from error


def folder_names(folder: PathLike, what: str = 'folder') -> list[str]:
    """Names of the folders in a folder, sorted, hidden ones left out.

    Args:
        folder (PathLike): the folder.
        what (str): what the error calls it.

    Raises:
        MissingFileError: there is no such folder.
    """
    if isinstance(folder, StoredPath):
        return sorted(name for name in folder.storage.folder_names(folder) if not name.startswith('.'))
    try:
        with os.scandir(os.fspath(folder)) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith('.'))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f'{os.fspath(folder)}: {what} not found.') from error
