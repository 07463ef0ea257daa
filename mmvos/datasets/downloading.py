"""Downloading and unpacking data sets: what is there is not fetched again, and no archive writes outside its folder."""

import gzip
import json
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from mmvos.structures import InputError, atomic_path, check_name, read_json
from mmvos.utils.fetching import fetch

from .downloads import Source

#: what was downloaded, in the root folder of all data: ``{url: {bytes, sha256, into}}``
RECORD = 'downloads.json'


def download(
    source: Source,
    root: str | os.PathLike,
    keep: bool = False,
    progress: Callable[[str, int, int], object] | None = None,
    say: Callable[[str], object] = print,
) -> None:
    """Download and unpack the archives of a data set.

    Args:
        source (Source): the data set.
        root (PathLike): root folder of all data, e.g. ``data``.
        keep (bool): whether archives stay after they are unpacked, in ``<root>/downloads``.
        progress (Callable | None): called with the name of an archive, the bytes that are there, and in all.
        say (Callable): is given a line for each archive that is done.

    Raises:
        InputError: see :func:`mmvos.utils.fetching.fetch`; or an archive is damaged, or has names that lead out of its folder.
        OSError: the disk is full, ...; the next call goes on.
    """
    record = read_record(root)
    for archive in source.archives:
        known = record.get(archive.url)
        if known:
            say(f'{archive.name}: there already (sha256 {known["sha256"]})')
            continue
        path = Path(root, 'downloads', archive.name)
        follow = None if progress is None else partial(progress, archive.name)
        digest = fetch(archive.url, path, archive.checksum, follow)
        size = path.stat().st_size
        unpack(path, Path(root, archive.into), archive.strip)
        record[archive.url] = dict(bytes=size, sha256=digest, into=archive.into)
        _write_record(root, record)
        if not keep:
            path.unlink()
        checked = f'{archive.checksum.split(":")[0]} is right' if archive.checksum else 'its authors publish no checksum'
        say(f'{archive.name}: {size} bytes, sha256 {digest} ({checked})')


def read_record(root: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """What was downloaded before, by address; empty where nothing is known."""
    try:
        record = read_json(Path(root, RECORD), 'a record of downloads')
        return {url: entry for url, entry in record.items() if isinstance(entry, dict) and 'sha256' in entry}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_record(root: str | os.PathLike, record: dict[str, dict[str, Any]]) -> None:
    with atomic_path(Path(root, RECORD), durable=True) as temporary:
        Path(temporary).write_text(json.dumps(record, indent=1))


def unpack(archive: str | os.PathLike, folder: str | os.PathLike, strip: int = 0) -> None:
    """Unpack a zip or tar file; each file of it is whole or not there.

    Args:
        archive (PathLike): the file.
        folder (PathLike): where its contents go; other files there stay.
        strip (int): how many leading folders of its names are dropped.

    Raises:
        InputError: not an archive, damaged, or a name in it leads out of the folder.
    """
    place, name = Path(folder), os.fspath(archive)
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix='.unpacking-') as temporary:
        try:
            for path, content in _files_in(name):
                parts = Path(check_name(path, name, 'file')).parts
                if len(parts) > strip and parts[0] != '__MACOSX' and not parts[-1].startswith('._'):
                    _write(content, Path(temporary, 'file'), place.joinpath(*parts[strip:]))
        except _DAMAGED as error:
            raise InputError(f'{name}: cannot be unpacked, it is damaged or no archive ({error}).') from error


#: what the readers of archives raise for damaged ones (RuntimeError: an encrypted zip file, or one packed by an unknown method)
_DAMAGED = (*(zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError), *(zlib.error, lzma.LZMAError, gzip.BadGzipFile))


def _write(content: Callable[[], IO[bytes] | None], temporary: Path, final: Path) -> None:
    opened = content()
    if opened is None:
        raise tarfile.ReadError(f'{final.name} has no contents')
    with opened, open(temporary, 'wb') as file:
        shutil.copyfileobj(opened, file, 1 << 20)
    final.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, final)


def _files_in(archive: str) -> Iterator[tuple[str, Callable[[], IO[bytes] | None]]]:
    """Names of the regular files of an archive, and how to open them; links and devices are left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir() and stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG):
                    yield entry.filename, partial(opened.open, entry)
        return
    with tarfile.open(archive) as opened_tar:
        for member in opened_tar:
            if member.isreg():
                yield member.name, partial(opened_tar.extractfile, member)


def steps_of(source: Source) -> Iterator[str]:
    """What a person has to do to get a data set, one line each."""
    for number, step in enumerate(source.steps, 1):
        yield f'{number}. {step}'
