"""What an offline model keeps of a video, within a bound."""

import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, Generic, TypeVar

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

Key = TypeVar('Key')


class BoundedStore(Generic[Key]):
    """Tensors that are computed when first asked for and kept in host memory in half precision, up to a limit.

    Past the limit, the tensor that was used longest ago is dropped and computed again when it is asked for. A tensor always
    comes rounded to half precision, so that results do not depend on what was kept. Several threads may ask; one computes.

    Args:
        compute (Callable): function of a key that gives a tensor on the model's device, always of the same type.
        limit_mb (float): bound of all kept tensors together, in MiB.
        name (str): name in the message that says that the limit was reached.

    Attributes:
        nbytes (int): size of what is kept.
        recomputed (int): number of tensors that had to be computed again.
    """

    def __init__(self, compute: Callable[[Key], Tensor], limit_mb: float, name: str = 'features') -> None:
        self.compute, self.limit, self.name = compute, limit_mb * 2**20, name
        self.nbytes, self.recomputed, self._warned = 0, 0, False
        self._seen: set[Key] = set()
        self._kept: OrderedDict[Key, Tensor] = OrderedDict()
        self._lock = threading.Lock()
        self._original: Tensor | None = None  # an empty tensor of the type and on the device of what comes

    def __getitem__(self, key: Key) -> Tensor:
        with self._lock:
            if key in self._kept and self._original is not None:
                self._kept.move_to_end(key)
                return self._kept[key].to(self._original)
            value = self.compute(key)
            self._original = value.new_empty(0)
            half = value.to(torch.float16)
            self.recomputed += key in self._seen
            self._seen.add(key)
            self._keep(key, half)
            return half.to(value.dtype)

    def _keep(self, key: Key, half: Tensor) -> None:
        if half.nbytes > self.limit:
            return
        if self.nbytes + half.nbytes > self.limit and not self._warned:
            self._warned = True
            print_log(
                f'{self.name}: {self.limit / 2**20:.0f} MiB are full; what does not fit is computed again when it is needed.',
                logger='current',
            )
        while self.nbytes + half.nbytes > self.limit:
            self.nbytes -= self._kept.popitem(last=False)[1].nbytes
        self._kept[key] = half.cpu()
        self.nbytes += half.nbytes


class RecordStore:
    """Small records of one layout that cannot be computed again: in memory up to a limit, in a temporary file beyond it.

    Records come back as they were written, wherever they lay, so that results do not depend on the limit. The file has no name
    and is gone with the store.

    Args:
        dtype (np.dtype): layout of a record, a structured type.
        limit_mb (float): bound of the records in memory, in MiB. Memory is taken in blocks of 256 records.
        name (str): name in the message that says that the limit was reached.
    """

    BLOCK = 256

    def __init__(self, dtype: np.dtype, limit_mb: float, name: str = 'records') -> None:
        self.dtype, self.name = np.dtype(dtype), name
        #: records that fit into memory
        self.room = int(limit_mb * 2**20) // (self.BLOCK * self.dtype.itemsize) * self.BLOCK
        self._blocks: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Size of the blocks in memory."""
        return sum(block.nbytes for block in self._blocks)

    @property
    def spilled(self) -> int:
        """How many records lie in the file."""
        return max(self._count - self.room, 0)

    def append(self, record: tuple[Any, ...]) -> int:
        """Keep a record, a tuple of its fields; returns its number."""
        number = self._count
        if number < self.room:
            if number % self.BLOCK == 0:
                self._blocks.append(np.empty(self.BLOCK, self.dtype))
            self._blocks[-1][number % self.BLOCK] = record
        else:
            self._seek(number).write(np.array(record, self.dtype).tobytes())
        self._count += 1
        return number

    def __getitem__(self, number: int) -> np.void:
        """Record of a number that :meth:`append` gave; raises IndexError for another one."""
        if not 0 <= number < self._count:
            raise IndexError(f'{self.name}: no record {number}; there are {self._count}.')
        if number < self.room:
            return self._blocks[number // self.BLOCK][number % self.BLOCK]
        return np.frombuffer(self._seek(number).read(self.dtype.itemsize), self.dtype)[0]

    def _seek(self, number: int) -> IO[bytes]:
        """The file, at the place of a record."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the store)
            weakref.finalize(self, self._file.close)
            print_log(
                f'{self.name}: {self.room * self.dtype.itemsize / 2**20:.0f} MiB are full; what does not fit goes to a '
                'temporary file.',
                logger='current',
            )
        self._file.seek((number - self.room) * self.dtype.itemsize)
        return self._file
