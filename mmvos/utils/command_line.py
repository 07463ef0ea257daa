"""How every command line ends: what a user can fix is one line, a fault of the program keeps its traceback."""

import errno
import functools
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from mmengine.config import Config

from mmvos.structures import InputError

#: exit codes beside 0; a stop by a signal is 128 + its number, as in a shell
FAULT, BAD_INPUT, SOME_FAILED = 1, 2, 3
SHOW_TRACEBACK = 'MMVOS_TRACEBACK'

_NO_ACCESS = {
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENAMETOOLONG),
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ELOOP, errno.EMFILE, errno.ENXIO, errno.EIO),
}
#: what libraries say in errors of other kinds: PyTorch, OpenCV, C++, Python's threads, the loader of libraries
_NO_MEMORY = re.compile(
    r"can't allocate memory|Cannot allocate memory|Insufficient memory|std::bad_alloc|can't start new thread"
    r'|failed to map segment'
)


class Stopped(BaseException):
    """SIGTERM: raised where the program is, so that what is being written is cleared away."""


class CommandEnded(SystemExit):
    """The end of a command line; ``code`` is the exit code, the text what was printed, for a caller of ``main``."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code)
        self.message = message

    def __str__(self) -> str:
        return self.message


def command_line(main: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a tool's ``main``.

    ========================================  =========  ===============================================
    what happens                              exit code  on stderr
    ========================================  =========  ===============================================
    ``main`` returns                          its value  nothing
    ``InputError``, a file that cannot be
    read or written, no memory, a package
    that is missing, ``sys.exit('message')``  2          ``error: ...``, one line
    Ctrl-C, SIGTERM                           130, 143   one line; what is unfinished is removed first
    any other error                           1          the traceback
    some of many inputs failed (returned)     3          what ``main`` prints
    ========================================  =========  ===============================================

    With ``MMVOS_TRACEBACK=1`` in the environment every error shows its traceback; the exit codes stay.
    """

    @functools.wraps(main)
    def run(*args: Any, **kwargs: Any) -> Any:
        logging.raiseExceptions = _shows_tracebacks()  # else a log on a full disk prints one for every line
        with _raised_signals():
            try:
                return main(*args, **kwargs)
            except SystemExit as error:
                if not isinstance(error.code, str):
                    raise
                _leave(BAD_INPUT, error.code.removeprefix('error: '), error)
            except KeyboardInterrupt as error:
                _leave(128 + signal.SIGINT, 'stopped by Ctrl-C.', error)
            except Stopped as error:
                _leave(128 + signal.SIGTERM, 'stopped by SIGTERM.', error)
            except BrokenPipeError:
                # a reader such as `head` has seen enough; Python's own flush at exit must not raise again
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(128 + signal.SIGPIPE)
            except Exception as error:
                stop = _stop_behind(error)
                if stop is not None:
                    _leave(128 + stop, f'stopped by {stop.name}.', error)
                message = line_of(error)
                if message is None:
                    raise
                _leave(BAD_INPUT, message, error)
        return None

    return run


def line_of(error: BaseException) -> str | None:
    """One line about an error that a user can fix, None for a fault of the program.

    Args:
        error (BaseException): error that ended a command.
    """
    text = _of_worker(error)
    if isinstance(error, InputError):
        return one_line(text)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _NO_MEMORY.search(text):
        return one_line(f'out of memory. {text}')
    if isinstance(error, ImportError) and not (error.name or '').startswith('mmvos'):
        return one_line(text)  # a package that a config or an option needs
    if _is_config_error(error, text):
        return one_line(f'{_config_of(error)}: {text}')
    if isinstance(error, OSError) and (error.errno in _NO_ACCESS or (error.errno is None and _is_file_error(error))):
        place = os.fspath(error.filename) if isinstance(error.filename, (str, os.PathLike)) else ''
        reason = error.strerror if error.errno is not None else text
        if error.errno == errno.EEXIST and os.path.isfile(place):
            reason = 'is a file; expected a folder, or a name that is not taken'
        if error.errno == errno.EEXIST and os.path.islink(place):
            reason = 'is a link that leads nowhere; expected a folder, or a name that is not taken'
        return one_line(f'{place}: {reason}' if place else str(reason))
    if isinstance(error, BrokenProcessPool) or re.match(r'DataLoader worker \(pid.*\) (is killed|exited unexpectedly)', text):
        return one_line(f'a worker process was killed, often for want of memory: try fewer workers. {text}')
    if 'PytorchStreamWriter failed writing' in text:
        return one_line(f'a file could not be written; is the disk full? {text}')
    return None


def one_line(text: str) -> str:
    """A text with all white space, line breaks too, as single blanks."""
    return ' '.join(text.split())


def _of_worker(error: BaseException) -> str:
    """The message of an error; PyTorch hands on one of a worker process with the worker's whole traceback as its text."""
    text = str(error)
    if text.startswith('Caught ') and 'Original Traceback' in text:
        return re.split(rf'^(?:[\w.]*\.)?{type(error).__name__}: ', text, flags=re.MULTILINE)[-1]
    return text


def _is_config_error(error: BaseException, text: str) -> bool:
    """Whether a config names a part or a setting that there is not, or lacks one: mmengine says it in the text only."""
    if isinstance(error, AttributeError):
        return text.startswith("'ConfigDict' object has no attribute")
    frames = traceback.extract_tb(error.__traceback__)
    if not any(frame.filename.replace(os.sep, '/').endswith('mmengine/registry/build_functions.py') for frame in frames):
        return False
    if isinstance(error, KeyError):
        return 'is not in the' in text or '`type`' in text
    return isinstance(error, TypeError) and re.search(r'unexpected keyword argument|missing \d+ required', text) is not None


def _config_of(error: BaseException) -> str:
    """The file of the config that was asked for a part, where the error comes from it; else 'config'."""
    places = [frame.f_locals.get('self') for frame, _ in traceback.walk_tb(error.__traceback__)]
    files = [place.filename for place in places if isinstance(place, Config) and place.filename]
    return files[-1] if files else 'config'


def _is_file_error(error: OSError) -> bool:
    return isinstance(error, (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError))


def _stop_behind(error: BaseException) -> signal.Signals | None:
    """The signal that a library's bare ``except:`` has made another error of (mmengine's printer of configs does)."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, (KeyboardInterrupt, Stopped)):
            return signal.SIGINT if isinstance(behind, KeyboardInterrupt) else signal.SIGTERM
        behind = behind.__cause__ or behind.__context__
    return None


def _shows_tracebacks() -> bool:
    return os.environ.get(SHOW_TRACEBACK, '0') not in ('', '0')


def _leave(code: int, message: str, error: BaseException) -> None:
    if _shows_tracebacks():
        sys.excepthook(type(error), error, error.__traceback__)
    print(f'error: {one_line(message)}', file=sys.stderr, flush=True)
    raise CommandEnded(code, f'error: {one_line(message)}') from error


@contextmanager
def _raised_signals() -> Iterator[None]:
    """SIGTERM raises :class:`Stopped` in the main process; a second one ends it at once."""
    owner = os.getpid()

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if os.getpid() != owner:  # a forked worker that has inherited this handler
            os.kill(os.getpid(), number)
        raise Stopped

    try:
        before = signal.signal(signal.SIGTERM, handle)
    except ValueError:  # not in the main thread: signals are handled by others
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
