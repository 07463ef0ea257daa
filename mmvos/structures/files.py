"""Reading files: contents are checked, and errors name the file (writing: :class:`atomic_path`)."""

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import InputError, MissingFileError
from .stored import PathLike as PathLike
from .stored import StoredPath

#: largest file that is read into memory, in bytes, where a reader gives no limit of its own
MAX_BYTES = 2**32
_KINDS = {stat.S_IFDIR: 'a folder', stat.S_IFIFO: 'a pipe', stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device'}


def read_bytes(path: PathLike, expected: str = 'a file', limit: int = MAX_BYTES) -> bytes:
    """Contents of a regular file. Names that are not UTF-8 are allowed; a pipe or a device is refused, not waited for.

    Args:
        path (PathLike): file; a symbolic link is followed. A :class:`StoredPath` is read from its storage.
        expected (str): what the file should be, for messages, e.g. ``'a mask'``.
        limit (int): largest size that is read, in bytes.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not a regular file, is larger than the limit, or cannot be read.
    """
    if isinstance(path, StoredPath):
        return path.storage.read(path, expected, limit)
    name = os.fspath(path)
    try:
        # without O_NONBLOCK, opening a pipe that nobody writes to never returns
        handle = os.open(name, os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_BINARY', 0))
        with os.fdopen(handle, 'rb', closefd=True) as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f'{name}: is {_kind(status)}; expected {expected}.')
            if status.st_size > limit:
                raise InputError(f'{name}: {status.st_size} bytes are more than {expected} may have ({limit}).')
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f'{name}: not found. Expected {expected}.') from error
    except IsADirectoryError as error:
        raise InputError(f'{name}: is a folder; expected {expected}.') from error
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise InputError(f'{name}: cannot be read ({error}). Expected {expected}.') from error


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), 'no regular file')


def decode_text(data: bytes, name: str, expected: str = 'a text file') -> str:
    """UTF-8 text, with or without a byte order mark.

    Args:
        data (bytes): contents of a file.
        name (str): name of the file, for messages.
        expected (str): noun phrase that says what the file should be, for messages.

    Raises:
        InputError: the bytes are not UTF-8.
    """
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        hint = ' (it looks like UTF-16)' if data[:2] in (b'\xff\xfe', b'\xfe\xff') else ''
        raise InputError(
            f'{name}: byte {error.start} is not UTF-8{hint}. Expected {expected} in the encoding UTF-8; save it as such.'
        ) from error


def read_text(path: PathLike, expected: str = 'a text file') -> str:
    """Content of a UTF-8 text file, see :func:`read_bytes` and :func:`decode_text`.

    Args:
        path (PathLike): the file.
        expected (str): what the error says was expected.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not UTF-8.
    """
    return decode_text(read_bytes(path, expected), os.fspath(path), expected)


def read_lines(path: PathLike, expected: str = 'a text file with one video name per line') -> list[str]:
    """Lines of a list that are not empty, without white space around them; a line may hold spaces.

    Args:
        path (PathLike): the file.
        expected (str): what the error says was expected.

    Raises:
        MissingFileError: there is no such file.
        InputError: it holds no line, or is not UTF-8.
    """
    lines = [line.strip() for line in read_text(path, expected).splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise InputError(f'{os.fspath(path)}: the list is empty. Expected {expected}.')
    return lines


def decode_json(data: bytes, name: str, expected: str, unique_keys: bool = False) -> Any:
    """A JSON document.

    Args:
        data (bytes): its text, UTF-8.
        name (str): file that it comes from.
        expected (str): what the document should be, for messages.
        unique_keys (bool): whether a key that an object has twice is an error (else the last one counts). For files whose
            keys are names of videos.

    Raises:
        InputError: not JSON, NaN or infinity (which JSON does not have), or nested too deeply.
    """
    text = decode_text(data, name, expected)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_dict if unique_keys else None)
    except RecursionError as error:
        raise InputError(f'{name}: JSON nested too deeply. Expected {expected}.') from error
    except ValueError as error:  # also a number of thousands of digits
        raise InputError(f'{name}: broken JSON ({error}). Expected {expected}.') from error


def read_json(path: PathLike, expected: str, unique_keys: bool = False) -> Any:
    """Contents of a JSON file, see :func:`read_bytes` and :func:`decode_json`.

    Args:
        path (PathLike): the file.
        expected (str): noun phrase that says what the file should be, for messages.
        unique_keys (bool): whether a key that occurs twice in one object is an error.

    Raises:
        InputError: the file is missing, cannot be read, or is no JSON.
    """
    return decode_json(read_bytes(path, expected), os.fspath(path), expected, unique_keys)


def _refuse_constant(text: str) -> float:
    raise ValueError(f'{text} is not a number in JSON')


def _unique_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f'the key {_repeated(key for key, _ in pairs)!r} occurs twice')
    return content


def _repeated(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), '')


def check_unique(names: Sequence[str], place: str, what: str = 'video') -> None:
    """Raise :class:`InputError` if a name occurs twice: one of the two would be lost silently.

    Args:
        names (Sequence[str]): the names.
        place (str): file or setting that has them, for messages.
        what (str): kind of thing that is named, for messages.
    """
    if len(set(names)) < len(names):
        raise InputError(f'{place}: the {what} {_repeated(names)!r} occurs twice; names must be unique.')


def check_name(name: Any, place: str, what: str = 'video') -> str:
    """The name, if it is a path below some folder: neither absolute, nor empty, nor with ``..`` in it.

    Args:
        name (Any): what a file says.
        place (str): that file, for messages.
        what (str): kind of thing that is named, for messages.

    Raises:
        InputError: it is not; results of that name would land outside their folder.
    """
    if not isinstance(name, str) or not name or '\0' in name:
        raise InputError(f'{place}: the name of a {what} is {name!r}; expected text.')
    parts = name.split('/')
    if name.startswith('/') or '..' in parts or not any(part not in ('', '.') for part in parts):
        raise InputError(f'{place}: the name of the {what} {name!r} leads out of its folder; expected a relative path.')
    return name


_NUMBER = re.compile('([0-9]+)')  # not \d: '²' and digits of other scripts are text


def frame_order(stem: str) -> list[Any]:
    """Sort key of frames by their names without suffix: numbers count by value, so that ``2`` comes before ``10``.

    This is the one order of frames in MMVOS: which frame is the first, the last, or between two others.
    """
    parts: list[Any] = _NUMBER.split(stem)  # text, number, text, number, ..., text
    for i in range(1, len(parts), 2):
        digits = parts[i].lstrip('0')
        parts[i] = (len(digits), digits, parts[i])
    return parts


def in_frame_order(names: Iterable[str], suffixes: bool = False) -> list[str]:
    """Names in the order of frames, see :func:`frame_order`; equal numbers by their text.

    Args:
        names (Iterable[str]): names of frames.
        suffixes (bool): whether they are names of files, whose suffixes do not count.
    """
    found = list(names)
    stems = [os.path.splitext(name)[0] for name in found] if suffixes else found
    if all(stem.isascii() and stem.isdigit() for stem in stems) and len({len(stem) for stem in stems}) <= 1:
        return sorted(found)  # numbers of equal length, as most benchmarks have them: the order of their text is the same
    keys = dict(zip(found, map(frame_order, stems), strict=True))
    return sorted(found, key=lambda name: (keys[name], name))
