"""Damaged copies of good files, given to the door that reads them."""

import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mmvos.structures import InputError

#: seconds after which a file counts as one that hangs
PATIENCE = 20
Door = Callable[[Path], object]


class Fuzzer:
    """Damages good files and opens them.

    Args:
        folder (Path): for the files.
        seed (int): of all damage.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder, self.rng = folder, np.random.default_rng(seed)
        self.tried, self.refused = Counter[str](), Counter[str]()
        self.faults: list[str] = []

    def bytes_of(self, data: bytes) -> bytes:
        """Data with a few flipped, lost, doubled or foreign bytes."""
        rng, out = self.rng, bytearray(data)
        for _ in range(int(rng.integers(1, 5))):
            place = int(rng.integers(len(out))) if out else 0
            kind = int(rng.integers(6))
            if kind == 0:
                out[place : place + 1] = bytes([int(rng.integers(256))])
            elif kind == 1:
                del out[place:]
            elif kind == 2:
                del out[place : place + int(rng.integers(1, 40))]
            elif kind == 3:
                out[place:place] = rng.bytes(int(rng.integers(1, 40)))
            elif kind == 4:
                out[place : place + 4] = b'\xff\xff\xff\x7f'
            else:
                out[place:place] = out[place : place + int(rng.integers(1, 60))]
        return bytes(out)

    def json_of(self, value: object) -> object:
        """A JSON value in which something is lost, doubled, or of another type."""
        rng = self.rng
        odd = [None, -1, 0, 1e30, 2**70, 'x', '', [], {}, [[]], True, 1.5, '²', '../../x', -0.0, [None], {'a': 1}]
        if isinstance(value, dict) and value and rng.random() < 0.8:
            key = list(value)[int(rng.integers(len(value)))]
            out = dict(value)
            if rng.random() < 0.15:
                del out[key]
            elif rng.random() < 0.1:
                out[str(odd[int(rng.integers(len(odd)))])] = out.pop(key)
            else:
                out[key] = self.json_of(out[key])
            return out
        if isinstance(value, list) and value and rng.random() < 0.8:
            out, place = list(value), int(rng.integers(len(value)))
            if rng.random() < 0.15:
                del out[place]
            elif rng.random() < 0.15:
                out.append(out[place])
            else:
                out[place] = self.json_of(out[place])
            return out
        return odd[int(rng.integers(len(odd)))]

    def open(self, kind: str, path: Path, door: Door) -> None:
        """Open a damaged file, and note what comes of it."""
        self.tried[kind] += 1
        try:
            with patience():
                door(path)
        except InputError as error:
            self.refused[kind] += 1
            if '\n' in str(error).strip():
                self.faults.append(f'{kind}: a message of several lines: {error}')
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.faults.append(f'{kind}: {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})'[:300])
            kept = self.folder / f'fault_{len(self.faults)}{path.suffix}'
            if path.is_file():
                kept.write_bytes(path.read_bytes())


@contextmanager
def patience() -> Iterator[None]:
    def tell(*_: object) -> None:
        raise TimeoutError(f'no answer after {PATIENCE} s')

    signal.signal(signal.SIGALRM, tell)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
