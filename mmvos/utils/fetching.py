"""Downloading large files: stopped ones go on, damaged ones are noticed, and nothing unfinished has the final name."""

import hashlib
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmvos.structures import InputError, read_json

BLOCK = 1 << 20
#: seconds without a byte after which a connection counts as broken
PATIENCE = 60.0
#: answers of a server after which another try is worth it
_BUSY = (408, 425, 429, 500, 502, 503, 504)


def fetch(
    url: str,
    path: str | os.PathLike,
    checksum: str = '',
    progress: Callable[[int, int], object] | None = None,
    retries: int = 5,
    wait: float = 2.0,
) -> str:
    """Download a file. What an earlier call got is kept in ``<path>.part`` and is not asked for again.

    Args:
        url (str): its address, http or https.
        path (PathLike): where it goes.
        checksum (str): ``'md5:...'`` or ``'sha256:...'`` that it must have; empty: unknown.
        progress (Callable | None): called with the bytes that are there, and in all (0: unknown).
        retries (int): broken connections in a row without a single new byte that are put up with.
        wait (float): seconds before the first of these tries; doubled for each further one.

    Returns:
        SHA-256 of the file, in hex.

    Raises:
        InputError: the server refuses, the connection is broken again and again, the disk is too small, or the file is not
            what the checksum says (it is removed).
        OSError: it cannot be written; what is there stays, for the next call.
    """
    final, part = Path(path), Path(f'{os.fspath(path)}.part')
    if final.is_file():
        _check(final, checksum, url)
        return digest_of(final, 'sha256')
    final.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _continue(url, part, progress)
            break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in _BUSY:
                raise InputError(f'{url}: the server answers {error.code} {error.reason}.') from error
            reason: Exception = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = error
        failures = 0 if part.exists() and part.stat().st_size > before else failures + 1
        if failures > retries:
            raise InputError(f'{url}: the connection failed {failures} times in a row ({reason}).') from reason
        time.sleep(wait * 2 ** max(failures - 1, 0))
    _check(part, checksum, url)
    digest = digest_of(part, 'sha256')
    os.replace(part, final)
    _notes_of(part).unlink(missing_ok=True)
    return digest


def digest_of(path: str | os.PathLike, kind: str = 'sha256') -> str:
    """Digest of a file in hex, by the name of its algorithm in :mod:`hashlib`."""
    digest = hashlib.new(kind)
    with open(path, 'rb') as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _check(path: Path, checksum: str, url: str) -> None:
    if not checksum:
        return
    kind, _, expected = checksum.partition(':')
    found = digest_of(path, kind)
    if found != expected.lower():
        path.unlink()
        _notes_of(path).unlink(missing_ok=True)
        raise InputError(
            f'{path.name.removesuffix(".part")}: {kind} {found}; expected {expected}. What {url} gives is damaged, or not '
            'what it was; it was removed.'
        )


def _notes_of(part: Path) -> Path:
    """What the server said of the file that a part belongs to."""
    return part.with_name(f'{part.name}.json')


def _continue(url: str, part: Path, progress: Callable[[int, int], object] | None) -> None:
    """One connection: everything behind what is there."""
    have, notes = (part.stat().st_size if part.exists() else 0), _read_notes(part, url)
    request = urllib.request.Request(url, headers={'User-Agent': 'mmvos', 'Accept-Encoding': 'identity'})
    if have and notes.get('tag'):
        request.add_header('Range', f'bytes={have}-')
        request.add_header('If-Range', notes['tag'])  # a file that has changed is sent as a whole
    else:
        have = 0
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have == notes.get('total'):  # nothing is behind what is there
            return
        if error.code == 416:
            part.unlink()
            raise ConnectionError('what was there is longer than the file; from the beginning') from error
        raise
    with answer:
        if answer.status != 206 or not (answer.headers.get('Content-Range') or '').startswith(f'bytes {have}-'):
            have = 0  # the whole file
        length = int(answer.headers.get('Content-Length') or 0)
        total = have + length if length else 0
        tag = answer.headers.get('ETag') or answer.headers.get('Last-Modified') or ''
        if tag.startswith('W/'):  # a weak one says nothing of single bytes
            tag = answer.headers.get('Last-Modified') or ''
        _notes_of(part).write_text(json.dumps(dict(url=url, tag=tag, total=total)))
        _check_room(part, length)
        with open(part, 'ab' if have else 'wb') as file:
            while block := answer.read1(BLOCK):
                file.write(block)
                have += len(block)
                if progress is not None:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
        if total and have != total:
            raise ConnectionError(f'it ended after {have} of {total} bytes')


def _read_notes(part: Path, url: str) -> dict[str, Any]:
    try:
        notes = read_json(_notes_of(part), 'notes of a download')
        return notes if isinstance(notes, dict) and notes.get('url') == url else {}
    except (OSError, ValueError):
        return {}


def _check_room(part: Path, length: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if length > free:
        raise InputError(f'{part.parent}: {length / 1e9:.1f} GB are to come, but the disk has room for {free / 1e9:.1f} GB.')
