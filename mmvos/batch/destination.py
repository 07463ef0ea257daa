"""Where results go: complete or not there, on this machine or elsewhere."""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmvos.structures import InputError, atomic_path
from mmvos.structures.atomic import is_alive
from mmvos.structures.files import decode_json

from .places import Place

MARK, SETTINGS = 'done.json', 'batch.json'
_PARTS = '.parts'


class Destination:
    """A folder with a folder of results per video; the file ``done.json`` in it says that they are complete.

    Args:
        url (str): path or URL.
    """

    def __init__(self, url: str) -> None:
        self.place = Place(url)

    def agree(self, settings: Mapping[str, Any]) -> None:
        """Write down how results are made; the results of one destination are all made in one way.

        Raises:
            InputError: results with other settings lie there.
        """
        place = self.place.child(SETTINGS)
        if self.place.fs.exists(place.path):
            before = decode_json(place.read('the settings of a batch'), place.url, 'the settings of a batch')
            if not isinstance(before, dict):
                raise InputError(f'{place.url}: is {type(before).__name__}; expected the settings of a batch.')
            key = next((key for key, value in settings.items() if before.get(key) != value), None)
            if key is None:
                return
            if self._has_results():  # else a wrong option ended that batch before its first video
                raise InputError(
                    f'{self.place.url}: its results were made with {key} {before.get(key)!r}, now it is {settings[key]!r}. '
                    'Give another --out, or the same options.'
                )
        self.write_json(SETTINGS, settings)

    def _has_results(self) -> bool:
        """Whether a video is done."""
        if self.place.is_local:
            return any(Path(self.place.path).rglob(MARK))
        return bool(self.place.fs.glob(f'{self.place.path.rstrip("/")}/**/{MARK}'))

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file of the whole batch.

        Args:
            name (str): file name, below the destination.
            content (Any): what JSON can hold.

        Raises:
            InputError: a place that is not on this machine cannot be written to.
            OSError: the folder cannot be written to.
        """
        data = json.dumps(content, indent=2)
        if self.place.is_local:
            with atomic_path(Path(self.place.path) / name) as temporary:
                Path(temporary).write_text(data)
            return
        with self.place.errors_named('a place that can be written to'):
            self.place.fs.pipe_file(self.place.child(name).path, data.encode())

    def done(self, names: Iterable[str]) -> set[str]:
        """Those of the names whose results are there."""
        names = list(names)
        exists = self.place.fs.exists
        paths = [self.place.child(f'{name}/{MARK}').path for name in names] if names else []
        if self.place.is_local:
            return {name for name, path in zip(names, paths, strict=True) if os.path.exists(path)}
        self.place.fs.invalidate_cache()
        with ThreadPoolExecutor(16) as pool:
            return {name for name, found in zip(names, pool.map(exists, paths), strict=True) if found}

    def remove_parts(self) -> None:
        """Remove what dead processes of this machine began and did not finish."""
        folder = Path(self.place.path) / _PARTS
        if not self.place.is_local or not folder.is_dir():
            return
        for part in folder.glob(f'{socket.gethostname()}.*'):
            if not is_alive(int(part.name.split('.')[-2])):
                shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):  # others are at work
            folder.rmdir()

    @contextmanager
    def results_of(self, name: str) -> Iterator[Path]:
        """An empty folder of this machine to write the results of a video to; they appear when nothing was raised.

        Raises:
            InputError: a folder of that name is there already and is no result of this batch.
        """
        if self.place.is_local:
            yield from self._publish_here(name)
        else:
            yield from self._publish_there(name)

    def _publish_here(self, name: str) -> Iterator[Path]:
        final = Path(self.place.path) / name
        key = hashlib.sha1(name.encode()).hexdigest()[:12]
        part = Path(self.place.path) / _PARTS / f'{socket.gethostname()}.{os.getpid()}.{key}'
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.rename(final)
            except OSError as error:
                if not final.exists():
                    raise
                if not (final / MARK).is_file():  # with it, another process was faster with the same video
                    raise InputError(f'{final}: is there already and is no result of a batch; move it away.') from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _publish_there(self, name: str) -> Iterator[Path]:
        with TemporaryDirectory(prefix='mmvos-') as folder:
            yield Path(folder)
            files = sorted(path for path in Path(folder).rglob('*') if path.is_file())
            files.sort(key=lambda path: path.name == MARK)  # last
            with self.place.errors_named('a place that can be written to'):
                for chosen in ([p for p in files if p.name != MARK], [p for p in files if p.name == MARK]):
                    targets = [self.place.child(f'{name}/{p.relative_to(folder).as_posix()}').path for p in chosen]
                    if chosen:
                        self.place.fs.put([str(p) for p in chosen], targets)
