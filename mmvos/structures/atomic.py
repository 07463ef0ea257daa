"""Files that are complete or not there."""

import errno
import os
import socket
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from .errors import InputError


class AllOrNothing(ABC):
    """Context of a writer: closed at the end, discarded after an error, also one of closing."""

    @abstractmethod
    def close(self) -> None:
        """Finish what is written."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise


class atomic_path:
    """``with atomic_path(final) as temporary``: write to ``temporary``; it becomes ``final`` only if nothing was raised.

    What was under the final name stays until then. Hidden temporary files that dead processes of this machine left in the
    folder are removed.

    Args:
        path (path): the final name; its folder is made.
        durable (bool): the file is on the disk, not only in the machine's memory, before it takes the name: for what cannot
            be made again after a power failure.

    Raises:
        IsADirectoryError, InputError: as :func:`check_output` does.
    """

    def __init__(self, path: str | os.PathLike, durable: bool = False) -> None:
        self.path, self.durable = Path(path), durable

    def __enter__(self) -> str:
        check_output(self.path)
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder.resolve(), os.getpid())
        prefix = f'{_PREFIX}{os.getpid()}-'
        handle, self.temporary = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=self.path.suffix)
        os.close(handle)
        return self.temporary

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error_type is None:
                self._publish()
            else:
                name_unwritten(error, self.path)
        finally:
            with suppress(FileNotFoundError):  # it has its final name
                os.unlink(self.temporary)

    def _publish(self) -> None:
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(self.temporary, 0o666 & ~umask)
        if self.durable:
            _sync(self.temporary)
        os.replace(self.temporary, self.path)
        if self.durable:
            with suppress(OSError):  # not every file system can write a folder's list of names at once
                _sync(self.path.parent)


def check_output(path: str | os.PathLike) -> None:
    """Whether a file can have this name; for commands that write one at the end of long work.

    Raises:
        IsADirectoryError: there is a folder of this name.
        InputError: there is something of this name that is no file: it would be replaced, /dev/null for the whole machine.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, 'is a folder; expected the name of a file', os.fspath(path))
    if path.exists() and not path.is_file():
        raise InputError(f'{path}: is a device, a pipe or a socket; expected the name of a file.')


def name_unwritten(error: BaseException | None, path: str | os.PathLike) -> None:
    """Put the file's name into an error of writing that has none, as that of a full disk."""
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN and error.filename is None:
        error.filename = os.fspath(path)


@lru_cache(maxsize=1024)  # once per folder and process: a folder of masks has thousands of files
def remove_abandoned(folder: Path, process: int) -> None:
    """Remove temporary files in a folder whose processes, on this machine, have ended.

    Args:
        folder (Path): where to look; not below it.
        process (int): number of the process that asks.
    """
    for found in folder.glob(f'{_PREFIX}*'):
        number = found.name[len(_PREFIX) :].split('-')[0]
        if number.isdigit() and int(number) != process and not is_alive(int(number)):
            found.unlink(missing_ok=True)


#: errors of writing that come without the file's name
_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_PREFIX = f'.mmvos-{socket.gethostname()}-'


def _sync(path: str | os.PathLike) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_alive(process: int) -> bool:
    """Whether a process of this machine, by its number, still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        pass
    return True
