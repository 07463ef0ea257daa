"""Files and folders that lie on this machine or elsewhere: what fsspec can open (s3, gs, hdfs, http, zip, ...)."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmvos.structures import InputError, read_bytes


class Place:
    """A file or folder, by a path of this machine or a URL of fsspec's, also a chain: ``zip://*.mp4::s3://bucket/a.zip``.

    Args:
        url (str): path or URL.

    Raises:
        InputError: a protocol that is unknown, or whose package is not installed.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url = url
        self.is_local = '://' not in url
        try:
            self.fs, self.path = url_to_fs(str(Path(url).absolute()) if self.is_local else url)
        except (ValueError, ImportError) as error:
            raise InputError(f'{url}: cannot be opened ({error}). Expected a path, or a URL that fsspec knows.') from error
        except OSError as error:
            raise InputError(f'{url}: cannot be reached ({type(error).__name__}: {error}).') from error

    @property
    def name(self) -> str:
        """Last part of the path."""
        return posixpath.basename(self.path.rstrip('/'))

    def at(self, path: str) -> 'Place':
        """The place of another path of the same file system, as its ``ls``, ``find`` and ``glob`` give them."""
        if self.is_local:
            return Place(path)
        _, chained, rest = self.url.partition('::')
        return Place(f'{self.fs.unstrip_protocol(path)}{chained}{rest}')

    def child(self, name: str) -> 'Place':
        """A file or folder below this one."""
        return self.at(f'{self.path.rstrip("/")}/{name}')

    def read(self, expected: str) -> bytes:
        """Contents of a file; ``expected`` says what it should be, for messages."""
        if self.is_local:
            return read_bytes(self.path, expected)  # which does not wait at a pipe
        with self.errors_named(expected):
            return self.fs.cat_file(self.path)

    def list(self, expected: str) -> list[dict[str, Any]]:
        """``name`` and ``type`` of what lies in a folder, sorted by name; hidden files are left out."""
        with self.errors_named(expected):
            entries = self.fs.ls(self.path.rstrip('/'), detail=True)
        entries = [entry for entry in entries if entry['name'].rstrip('/') != self.path.rstrip('/')]
        entries = [entry for entry in entries if not posixpath.basename(entry['name'].rstrip('/')).startswith(('.', '?'))]
        return sorted(entries, key=lambda entry: entry['name'])

    @contextmanager
    def errors_named(self, expected: str) -> Iterator[None]:
        """Turns what fsspec raises about a place into an :class:`InputError` that names it."""
        try:
            yield
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f'{self.url}: cannot be read ({type(error).__name__}: {error}). Expected {expected}.') from error

    @contextmanager
    def local_copy(self, expected: str) -> Iterator[str]:
        """Path on this machine: the place itself if it is here, else a copy that is gone after the context."""
        if self.is_local:
            yield self.path
            return
        with TemporaryDirectory(prefix='mmvos-') as folder:
            target = Path(folder) / self.name
            with self.errors_named(expected):
                if self.fs.isdir(self.path):
                    target.mkdir()
                    names = [entry['name'] for entry in self.list(expected) if entry['type'] == 'file']
                    self.fs.get(names, [str(target / posixpath.basename(name)) for name in names])
                else:
                    self.fs.get_file(self.path, str(target))
            yield str(target)
