"""One run at a time writes to a place."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from mmvos.structures import InputError
from mmvos.structures.atomic import name_unwritten

try:
    import fcntl
except ImportError:  # Windows has no record locks of this kind; runs are not kept apart there
    fcntl = None  # type: ignore[assignment]  # Windows has none


@contextmanager
def run_lock(target: str | os.PathLike, option: str) -> Iterator[None]:
    """A context in which a folder or file belongs to this process.

    The lock ends with the process, however that ends: nothing has to be cleared after a crash. Forked workers do not hold it.
    Folders that were made for it and are empty in the end are removed.

    Args:
        target (path): folder that is written to (made if it is not there), or file that will be written.
        option (str): what the user may change, for the message, e.g. ``'--work-dir'``.

    Raises:
        InputError: another process writes there; with its number and machine.
    """
    target = Path(target)
    is_file = bool(target.suffix) and not target.is_dir()
    folder = target.parent if is_file else target
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f'.{target.name}.lock' if is_file else '.run.lock')
    try:
        with nullcontext() if fcntl is None else _locked(path, target, option):
            yield
    finally:
        with suppress(OSError):  # one that is not empty, and those above it
            for place in made:
                place.rmdir()


@contextmanager
def _locked(path: Path, target: Path, option: str) -> Iterator[None]:
    while True:
        file = open(path, 'a+')  # noqa: SIM115 (closed below)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or 'unknown'
            file.close()
            raise InputError(
                f'{target}: another run ({holder}) writes there. Wait for it, or give another {option}.'
            ) from error
        except OSError:  # a file system without locks
            file.close()
            yield
            return
        try:
            if os.stat(path).st_ino == os.fstat(file.fileno()).st_ino:
                break
        except FileNotFoundError:
            pass
        file.close()  # the run before has removed the file in the meantime
    try:
        file.truncate(0)
        file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
        try:
            file.flush()
        except OSError as error:
            name_unwritten(error, path)
            raise
        yield
    finally:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # what could not be written is gone with the file
            file.close()
