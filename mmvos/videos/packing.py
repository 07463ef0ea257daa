"""Making packed data sets (:mod:`mmvos.videos.packed`): nothing is done twice, and nothing unfinished looks finished."""

import io
import json
import os
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path

from mmvos.structures import InputError, MissingFileError, atomic_path, read_bytes, read_json

from .packed import META, Pack, write_index

#: default size of a shard, in bytes
SHARD_BYTES = 2**30


@dataclass(frozen=True)
class SourceFile:
    """A file that is to be packed: ``path`` below the source, with ``/``; its ``size`` in bytes and ``time`` of last change."""

    path: str
    size: int
    time: int

    @property
    def video(self) -> str:
        """Name of its folder: frames and masks of a video have folders of one name."""
        return posixpath.basename(posixpath.dirname(self.path))


def files_below(source: str, include: Sequence[str] = ()) -> list[SourceFile]:
    """All files of a data set, hidden ones left out; symbolic links are followed.

    Args:
        source (str): its folder.
        include (Sequence[str]): patterns (as in :mod:`fnmatch`) of the paths that are wanted, e.g. ``'*/480p/*'``; none: all.

    Raises:
        MissingFileError: there is no such folder.
        InputError: no file is left, or a link leads to a folder above itself.
    """
    if not os.path.isdir(source):
        raise MissingFileError(f'{source}: folder not found. Expected a data set.')
    if os.path.isfile(os.path.join(source, META)):
        raise InputError(f'{source}: this is a packed data set already ({META}).')
    files = [file for file in _walk(source, '', ()) if not include or any(fnmatch(file.path, p) for p in include)]
    if not files:
        raise InputError(f'{source}: no files found{f" that match {list(include)}" if include else ""}.')
    return files


def _walk(root: str, folder: str, above: tuple[str, ...]) -> Iterator[SourceFile]:
    place = os.path.join(root, folder)
    real = os.path.realpath(place)
    if real in above:
        raise InputError(f'{place}: this link leads to a folder above itself.')
    with os.scandir(place) as entries:
        found = sorted((entry for entry in entries if not entry.name.startswith('.')), key=lambda entry: entry.name)
    for entry in found:
        path = posixpath.join(folder, entry.name)
        if entry.is_dir():
            yield from _walk(root, path, (*above, real))
        elif entry.is_file():
            status = entry.stat()
            yield SourceFile(path, status.st_size, status.st_mtime_ns)


def shards_of(files: Sequence[SourceFile], limit: int) -> list[list[SourceFile]]:
    """Files by shard: a video's frames and masks lie together, in one shard unless they are larger than that.

    Args:
        files (Sequence[SourceFile]): all files.
        limit (int): bytes of a shard; 0: a shard for each video.
    """
    ordered = sorted(files, key=lambda file: (file.video, file.path))
    shards: list[list[SourceFile]] = []
    room = 0
    for _, group in groupby(ordered, key=lambda file: file.video):
        video = list(group)
        size = sum(file.size for file in video)
        if not shards or not limit or size > room:
            shards.append([])
            room = limit
        for file in video:
            if limit and file.size > room and shards[-1]:  # a video that is larger than a shard
                shards.append([])
                room = limit
            shards[-1].append(file)
            room -= file.size
    return shards


def pack(
    source: str,
    dest: str,
    shard_bytes: int = SHARD_BYTES,
    include: Sequence[str] = (),
    progress: Callable[[int, int], object] | None = None,
) -> Pack:
    """Pack a data set. If it was stopped, the next call continues after the last finished shard.

    Args:
        source (str): folder of the data set; may also be read while it is packed, not written.
        dest (str): folder of the pack.
        shard_bytes (int): size of a shard; 0: one for each video.
        include (Sequence[str]): see :func:`files_below`.
        progress (Callable | None): called after each shard with the bytes done, and in all.

    Returns:
        The pack, open.

    Raises:
        MissingFileError, InputError: see :func:`files_below`; or there is a pack already, or a file changes while it is packed.
        OSError: the pack cannot be written.
    """
    folder = Path(dest)
    if (folder / META).exists():
        raise InputError(f'{dest}: there is a packed data set already. Remove it first, or choose another folder.')
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(source)):  # Path.resolve ends at a link in a circle
        raise InputError(f'{dest}: this folder lies in the data set itself. Choose one outside.')
    shards = shards_of(files_below(source, include), shard_bytes)
    total, done = sum(file.size for files in shards for file in files), 0
    rows, written = [], []
    for number, files in enumerate(shards):
        place = folder / f'shard-{number:05d}.tar'
        entries = _finished(place, files)
        if entries is None:
            entries = _write_shard(source, place, files)
        rows += [(path, number, offset, size, crc) for path, offset, size, crc in entries]
        written.append((place.name, place.stat().st_size))
        done += sum(file.size for file in files)
        if progress is not None:
            progress(done, total)
    for old in folder.glob('shard-*.tar'):  # of an earlier attempt with other options
        if old.name not in dict(written):
            old.unlink()
    for part in folder.glob('.shard-*.json'):
        part.unlink()
    write_index(dest, written, rows)  # the last thing: with it the pack is complete, and nothing is left beside it
    return Pack(dest)


Entry = tuple[str, int, int, int]


def _part_of(shard: Path) -> Path:
    """What is known of a finished shard, until all are finished."""
    return shard.with_name(f'.{shard.stem}.json')


def _finished(shard: Path, files: Sequence[SourceFile]) -> list[Entry] | None:
    """Rows of a shard that an earlier call finished and whose files are still the same; None: it is to be written."""
    try:
        part = read_json(_part_of(shard), 'rows of a shard')
        same = part['files'] == [[file.path, file.size, file.time] for file in files]
        if same and shard.stat().st_size == part['bytes']:
            return [(str(path), int(offset), int(size), int(crc)) for path, offset, size, crc in part['rows']]
    except (OSError, ValueError, KeyError, TypeError):  # whatever is wrong with it: the shard is written again
        pass
    return None


def _write_shard(source: str, shard: Path, files: Sequence[SourceFile]) -> list[Entry]:
    _part_of(shard).unlink(missing_ok=True)
    entries: list[Entry] = []
    with atomic_path(shard, durable=True) as temporary, tarfile.open(temporary, 'w', format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            name = os.path.join(source, file.path)
            data = read_bytes(name)
            if len(data) != file.size:
                raise InputError(f'{name}: has {len(data)} bytes, had {file.size}: it was changed while it was packed.')
            header = tarfile.TarInfo(file.path)
            header.size, header.mtime = file.size, file.time // 10**9
            archive.addfile(header, io.BytesIO(data))
            end = archive.offset - -file.size % tarfile.BLOCKSIZE  # contents are filled up to whole blocks
            entries.append((file.path, end - file.size, file.size, zlib.crc32(data)))
    part = dict(files=[[f.path, f.size, f.time] for f in files], rows=entries, bytes=shard.stat().st_size)
    with atomic_path(_part_of(shard), durable=True) as temporary:
        Path(temporary).write_text(json.dumps(part))
    return entries
