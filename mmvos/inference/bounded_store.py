"""What an offline model keeps of a video, within a bound."""

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor


class BoundedStore:
    """Tensors that are computed when first asked for and kept in host memory in half precision, up to a limit.

    Past the limit, the tensor that was used longest ago is dropped and computed again when it is asked for. A tensor always
    comes rounded to half precision, so that results do not depend on what was kept.

    Args:
        compute: ``compute(key)`` -> tensor on the model's device.
        limit_mb: of all kept tensors, in MiB.
        name: for the message that tells that the limit was reached.
    """

    def __init__(self, compute: Callable[[Hashable], Tensor], limit_mb: float, name: str = 'features') -> None:
        self.compute, self.limit, self.name = compute, limit_mb * 2**20, name
        self.bytes, self.recomputed, self._seen, self._told = 0, 0, set(), False
        self._kept: OrderedDict[Hashable, Tensor] = OrderedDict()

    def __getitem__(self, key: Hashable) -> Tensor:
        if key in self._kept:
            self._kept.move_to_end(key)
            half = self._kept[key]
            return half.to(self.device, self.dtype)
        value = self.compute(key)
        self.device, self.dtype = value.device, value.dtype
        half = value.to(torch.float16)
        if key in self._seen:
            self.recomputed += 1
        self._seen.add(key)
        size = half.numel() * half.element_size()
        while self._kept and self.bytes + size > self.limit:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.numel() * oldest.element_size()
            if not self._told:
                self._told = True
                print_log(
                    f'{self.name}: {self.limit / 2**20:.0f} MiB are full; what does not fit is computed again when it '
                    'is needed.',
                    logger='current',
                )
        if size <= self.limit:
            self._kept[key] = half.cpu()
            self.bytes += size
        return half.to(value.dtype)


class RecordStore:
    """Small records of one layout that cannot be computed again: in memory up to a limit, in a temporary file beyond it.

    Records come back as they were written, wherever they lay, so that results do not depend on the limit. The file has no name
    and is gone with the store.

    Args:
        dtype: layout of a record (a structured numpy dtype).
        limit_mb: of the records in memory, in MiB. Memory is taken in blocks of 256 records.
        name: for the message that tells that the limit was reached.
    """

    BLOCK = 256

    def __init__(self, dtype: np.dtype, limit_mb: float, name: str = 'records') -> None:
        self.dtype, self.name = np.dtype(dtype), name
        #: records that fit into memory
        self.room = int(limit_mb * 2**20) // (self.BLOCK * self.dtype.itemsize) * self.BLOCK
        self._blocks: list[np.ndarray] = []
        self._file, self._count = None, 0

    def __len__(self) -> int:
        return self._count

    @property
    def bytes(self) -> int:
        """Size of the blocks in memory."""
        return sum(block.nbytes for block in self._blocks)

    @property
    def spilled(self) -> int:
        """How many records lie in the file."""
        return max(self._count - self.room, 0)

    def append(self, record: tuple) -> int:
        """Keep a record, a tuple of its fields; returns its number."""
        number = self._count
        if number < self.room:
            if number % self.BLOCK == 0:
                self._blocks.append(np.empty(self.BLOCK, self.dtype))
            self._blocks[-1][number % self.BLOCK] = record
        else:
            if self._file is None:
                self._file = tempfile.TemporaryFile()
                print_log(
                    f'{self.name}: {self.room * self.dtype.itemsize / 2**20:.0f} MiB are full; what does not fit goes to '
                    'a temporary file.',
                    logger='current',
                )
            self._file.seek((number - self.room) * self.dtype.itemsize)
            self._file.write(np.array(record, self.dtype).tobytes())
        self._count += 1
        return number

    def __getitem__(self, number: int) -> np.void:
        """Record of a number that :meth:`append` gave; raises IndexError for another one."""
        if not 0 <= number < self._count:
            raise IndexError(f'{self.name}: no record {number}; there are {self._count}.')
        if number < self.room:
            return self._blocks[number // self.BLOCK][number % self.BLOCK]
        self._file.seek((number - self.room) * self.dtype.itemsize)
        return np.frombuffer(self._file.read(self.dtype.itemsize), self.dtype)[0]
