"""Data sets that do not lie on the disk: storage backends of mmengine behind the one reader of files (``backend_args``)."""

import gc
import json
import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from mmengine.fileio import get_file_backend

from mmvos.structures import InputError, MissingFileError, PathLike, StoredPath, check_name, join_path
from mmvos.structures.files import decode_text

from . import packed as packed  # its backend is registered

#: list of the files of a data set, in its root folder, for storages that cannot list folders
LIST_NAME = 'files.txt'
_LIST = 'the paths of all files below this folder, one per line (cd FOLDER && find * -type f > files.txt)'


class BackendStorage:
    """Files behind a storage backend of mmengine, opened by each process for itself.

    Folders are listed by the backend where it can (local, petrel, pack). LMDB, HTTP and memcached cannot: there the root
    folder holds ``files.txt``, the paths of all files below it, one per line.

    Args:
        root (str): root folder of the data set.
        backend_args (Mapping | None): ``dict(backend=name, **arguments)`` as mmengine takes it; without a name, the prefix of
            the root says which (``http://``, ``s3://``).

    Raises:
        InputError: no such backend, or arguments that it does not take.
    """

    def __init__(self, root: str, backend_args: Mapping[str, Any] | None = None) -> None:
        self.root, self.backend_args = str(root), dict(backend_args or {})
        key = json.dumps(self.backend_args, sort_keys=True, default=repr)
        self._arguments, self._prefix = _Arguments(key, self.backend_args), _prefix_of(self.root)
        self._backend()

    def __reduce__(self) -> tuple[Any, ...]:
        return BackendStorage, (self.root, self.backend_args)

    def _backend(self) -> Any:
        return _opened(self._prefix, self._arguments)

    def read(self, path: str, expected: str = 'a file', limit: int = 2**32) -> bytes:
        """Contents of a file; errors as in :func:`mmvos.structures.read_bytes`."""
        name = str(path)
        try:
            data = self._backend().get(quote(name, safe='/:?&=%~') if name.startswith(('http://', 'https://')) else name)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingFileError(f'{name}: not found. Expected {expected}.') from error
        except InputError:
            raise
        except (OSError, ValueError, HTTPException) as error:  # ValueError: a name that the backend cannot write
            if isinstance(error, HTTPError) and error.code in (404, 410):
                raise MissingFileError(f'{name}: not found. Expected {expected}.') from error
            raise InputError(f'{name}: cannot be read ({error}). Expected {expected}.') from error
        if data is None:  # the answer of LMDB, petrel and memcached
            raise MissingFileError(f'{name}: not found by {self.backend_args}. Expected {expected}.')
        if len(data) > limit:
            raise InputError(f'{name}: {len(data)} bytes are more than {expected} may have ({limit}).')
        return bytes(data)

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        backend, name = self._backend(), str(path)
        if hasattr(backend, 'isfile'):
            return bool(backend.isfile(name))
        folder, base = posixpath.split(name)
        return base in self._contents().files.get(folder, ())

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        backend, name = self._backend(), str(path).rstrip('/')
        if hasattr(backend, 'isdir'):
            return bool(backend.isdir(name))
        return name in self._contents().folders

    def file_names(self, folder: str) -> list[str]:
        """Names of the files in a folder, see :class:`mmvos.structures.Storage`."""
        return self._names(folder, files=True)

    def folder_names(self, folder: str) -> list[str]:
        """Names of the folders in a folder, see :class:`mmvos.structures.Storage`."""
        return self._names(folder, files=False)

    def _names(self, folder: str, files: bool) -> list[str]:
        backend, name = self._backend(), str(folder).rstrip('/')
        if not self.is_folder(name):
            raise MissingFileError(f'{name}: folder not found.')
        if hasattr(backend, 'list_dir_or_file'):
            return list(backend.list_dir_or_file(name, list_dir=not files, list_file=files))
        contents = self._contents()
        return list((contents.files if files else contents.folders).get(name, ()))

    def _contents(self) -> '_Contents':
        return _contents_of(self.root, self._arguments)


class _Arguments:
    """Arguments of a backend that may be a key of a cache."""

    def __init__(self, key: str, values: Mapping[str, Any]) -> None:
        self.key, self.values = key, values

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Arguments) and other.key == self.key


@lru_cache(maxsize=64)
def _opened(prefix: str, arguments: _Arguments) -> Any:
    """The backend of this process."""
    values = dict(arguments.values)
    try:
        return get_file_backend(f'{prefix}://' if prefix else None, backend_args=values or None)
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        from mmengine.fileio.backends import backends

        raise InputError(
            f'backend_args={values}: {type(error).__name__}: {error}. Expected dict(backend=...) with one of '
            f'{sorted(backends)}, and its arguments.'
        ) from error


if hasattr(os, 'register_at_fork'):  # an open LMDB can neither be used by a forked process nor be opened again there
    os.register_at_fork(before=_opened.cache_clear)


def _prefix_of(path: str) -> str:
    return path.split('://')[0] if '://' in path else ''


class _Contents:
    """Folders and files of a list.

    Attributes:
        files (dict[str, list[str]]): names of the files by folder.
        folders (dict[str, list[str]]): names of the folders by folder.
    """

    def __init__(self, root: str, paths: list[str]) -> None:
        self.files: dict[str, list[str]] = defaultdict(list)
        self.folders: dict[str, list[str]] = {root: []}
        for path in paths:
            folder, name = posixpath.split(posixpath.join(root, path))
            self._add(folder, root)
            self.files[folder].append(name)

    def _add(self, folder: str, root: str) -> None:
        if folder not in self.folders:
            self.folders[folder] = []
            parent, name = posixpath.split(folder)
            if folder != root and parent != folder:
                self._add(parent, root)
                self.folders[parent].append(name)


@lru_cache(maxsize=16)
def _contents_of(root: str, arguments: _Arguments) -> _Contents:
    place = posixpath.join(root, LIST_NAME)
    text = decode_text(BackendStorage(root, arguments.values).read(place, _LIST), place, _LIST)
    paths = [check_name(line, place, 'file') for line in text.splitlines() if line]
    if not paths:
        raise InputError(f'{place}: the list is empty. Expected {_LIST}.')
    return _Contents(root.rstrip('/'), paths)


def stored(path: PathLike, backend_args: Mapping[str, Any] | None = None, root: PathLike | None = None) -> str:
    """A path that is read through a storage backend of mmengine; without one, and without a prefix, the path itself.

    Args:
        path (PathLike): the path, or a URL.
        backend_args (Mapping | None): as mmengine takes it, e.g. ``dict(backend='pack')``; see :class:`BackendStorage`.
        root (PathLike | None): root folder of the data set; default: the path itself.

    Raises:
        InputError: no such backend, or arguments that it does not take.
    """
    if isinstance(path, StoredPath) or (not backend_args and '://' not in os.fspath(path)):
        return path if isinstance(path, str) else os.fspath(path)
    return StoredPath(os.fspath(path), BackendStorage(os.fspath(path if root is None else root), backend_args))


def below(root: str, path: str) -> str:
    """A path that may be relative to a root: in the storage of the root in both cases."""
    if isinstance(root, StoredPath) and (path.startswith('/') or '://' in path):
        return StoredPath(path, root.storage)
    return join_path(root, path) if root or isinstance(root, StoredPath) else path


class StoredData:
    """Part of data sets of mmengine and mmdet: their root, list and folders are read by ``backend_args``."""

    data_root: str
    ann_file: str
    data_prefix: dict
    backend_args: Mapping[str, Any] | None

    def full_init(self) -> None:
        """Read the lists. A third of the time would go to looking for garbage among the many small things that are made."""
        enabled = gc.isenabled()
        gc.disable()
        try:
            super().full_init()  # type: ignore[misc]
        finally:
            if enabled:
                gc.enable()

    def _join_prefix(self) -> None:
        """Paths below the root; mmengine's own method asks the backend, and most backends cannot answer."""
        self.data_root = stored(self.data_root or '', self.backend_args)
        for name, prefix in self.data_prefix.items():
            if not isinstance(prefix, str):
                raise InputError(f'data_prefix: {name} is {prefix!r}; expected a folder relative to data_root.')
            self.data_prefix[name] = below(self.data_root, prefix)
        if self.ann_file:
            self.ann_file = below(self.data_root, self.ann_file)
