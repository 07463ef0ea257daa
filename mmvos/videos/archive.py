"""Zip files from outside: damaged, encrypted or malicious ones are refused by name, and never unpacked to disk."""

import os
import stat
import weakref
import zipfile
from collections import Counter

import numpy as np

from mmvos.structures import InputError, MissingFileError, PathLike, read_bytes
from mmvos.structures.label_map import decode_label_map, fitted

#: largest label map in an archive, in bytes
MAX_MASK_BYTES = 2**26
#: an entry is a bomb if it is larger than this and was packed more than `MAX_RATIO` times smaller
BOMB_BYTES, MAX_RATIO = 2**24, 200


class Archive:
    """A zip file that is open for reading. Each process that uses it opens it for itself.

    Args:
        path (PathLike): the file.

    Raises:
        MissingFileError: no such file.
        InputError: not a zip file, or its table of contents is damaged.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        self._open: tuple[int, zipfile.ZipFile] | None = None
        if not os.path.isfile(self.path):
            raise MissingFileError(f'{self.path}: not found. Expected a zip file.')
        self.entries = self._file().infolist()
        self._by_name = {entry.filename: entry for entry in self.entries}

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _open=None)

    def _file(self) -> zipfile.ZipFile:
        """The open file of this process (a file handle shared after a fork would mix up its readers)."""
        if self._open is None or self._open[0] != os.getpid():
            try:
                opened = zipfile.ZipFile(self.path)
            except (zipfile.BadZipFile, ValueError, RuntimeError, OSError) as error:  # RuntimeError: of a later version of zip
                raise InputError(f'{self.path}: not a zip file, or damaged ({error}).') from error
            self._open = os.getpid(), opened
            # at once with its owner: where both are in a cycle, as that of an error's traceback, the file might be freed open
            weakref.finalize(self, opened.close)
        return self._open[1]

    @property
    def names(self) -> list[str]:
        """Names of the files in it, folders left out, in the order of its table."""
        return [entry.filename for entry in self.entries if not entry.is_dir()]

    def problems(self) -> dict[str, str]:
        """What is wrong with the names and kinds of its entries, one sentence by name; no entry is unpacked."""
        counts = Counter(entry.filename for entry in self.entries)
        found = {}
        for entry in self.entries:
            name = entry.orig_filename  # zipfile has turned backslashes round on Windows
            parts, kind = name.split('/'), stat.S_IFMT(entry.external_attr >> 16)
            if name.startswith('/') or '..' in parts or name[1:2] == ':':
                found[entry.filename] = 'an absolute path or one that leads out of its folder; names must be relative.'
            elif '\\' in name:
                found[entry.filename] = 'backslashes in the name; folders must be separated by "/".'
            elif any(part == '__MACOSX' or part.startswith('.') for part in parts):
                found[entry.filename] = 'hidden file; make the archive without those.'
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                found[entry.filename] = (
                    f'a {"symbolic link" if kind == stat.S_IFLNK else "special file"}; expected plain files.'
                )
            elif counts[entry.filename] > 1:
                found[entry.filename] = f'{counts[entry.filename]} times in the archive.'
        return {name: f'{name}: {problem}' for name, problem in found.items()}

    def read(self, name: str, limit: int) -> bytes:
        """Contents of an entry.

        Args:
            name (str): its name in the archive.
            limit (int): largest size, in bytes.

        Raises:
            MissingFileError: there is no such entry.
            InputError: it is encrypted, damaged, packed by an unknown method, or too large.
        """
        entry, place = self._by_name.get(name), f'{self.path}, {name}'
        if entry is None:
            raise MissingFileError(f'{place}: not found in the archive.')
        if entry.flag_bits & 1:
            raise InputError(f'{place}: encrypted; expected an archive without a password.')
        if entry.file_size > limit:
            raise InputError(f'{place}: unpacks to {entry.file_size} bytes; expected at most {limit}.')
        if entry.file_size > BOMB_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise InputError(f'{place}: {entry.compress_size} bytes that unpack to {entry.file_size}, as no real file does.')
        try:
            with self._file().open(entry) as file:
                data = file.read(limit + 1)
        except Exception as error:  # zipfile, zlib, bz2 and lzma have errors of their own for damaged data
            reason = 'its place is outside of the file' if isinstance(error, OSError) else error
            raise InputError(f'{place}: damaged, cannot be unpacked ({reason}).') from error
        if len(data) > limit:  # the table lied
            raise InputError(f'{place}: unpacks to more than {limit} bytes.')
        return data


class MaskFiles:
    """Predictions: label maps ``<video>/<frame>.png`` in a folder or a zip file, possibly below a folder of :data:`PREFIXES`.

    May be sent to other processes.

    Args:
        path (PathLike): folder or zip file.

    Raises:
        MissingFileError: it is not there.
        InputError: a file that is not a zip file.
    """

    PREFIXES = ('', 'Annotations/', 'Annotations/480p/', 'Annotations_unsupervised/480p/')

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        if not os.path.exists(self.path):
            raise MissingFileError(f'{self.path}: not found. Expected a folder or a zip file of label maps.')
        self._archives = [] if os.path.isdir(self.path) else [Archive(self.path)]
        self._folders = {os.path.dirname(name) for archive in self._archives for name in archive.names}

    def folder_of(self, video: str) -> str:
        """Where the label maps of a video lie: a prefix and the video.

        Raises:
            MissingFileError: naming the folder that was expected.
        """
        for prefix in self.PREFIXES:
            if prefix + video in self._folders or (
                not self._archives and os.path.isdir(os.path.join(self.path, prefix, video))
            ):
                return prefix + video
        raise MissingFileError(f'{self.path}: no predictions of video {video!r}; expected {video}/<frame>.png.')

    def check(self, folder: str) -> None:
        """Raise :class:`InputError` if a label map of a video in an archive is damaged, also one that no score depends on."""
        for archive in self._archives:
            for name in archive.names:
                if os.path.dirname(name) == folder:
                    archive.read(name, MAX_MASK_BYTES)

    def name_of(self, folder: str, frame: str) -> str:
        """What messages call a label map."""
        return os.path.join(self.path, folder, f'{frame}.png')

    def read(self, folder: str, frame: str, shape: tuple[int, int] | None = None) -> np.ndarray:
        """One label map.

        Args:
            folder (str): as :meth:`folder_of` gives it.
            frame (str): name of the frame.
            shape (tuple[int, int] | None): ``(H, W)`` that it must have; None: any.

        Returns:
            uint8 ``(H, W)``.

        Raises:
            MissingFileError: it is not there.
            InputError: it cannot be read, or has another size.
        """
        name = self.name_of(folder, frame)
        if not self._archives:
            label_map = decode_label_map(read_bytes(name, 'a mask', MAX_MASK_BYTES), name)
        else:
            label_map = decode_label_map(self._archives[0].read(f'{folder}/{frame}.png', MAX_MASK_BYTES), name)
        return fitted(label_map, name, shape)
