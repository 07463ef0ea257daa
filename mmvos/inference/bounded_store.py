"""What an offline model keeps of a video, within a bound."""
from collections import OrderedDict
from typing import Callable, Hashable

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
        self.bytes, self.recomputed, self._seen = 0, 0, set()
        self._kept: 'OrderedDict[Hashable, Tensor]' = OrderedDict()

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
            if not getattr(self, '_told', False):
                self._told = True
                print_log(f'{self.name}: {self.limit / 2**20:.0f} MiB are full; what does not fit is computed again when it '
                          'is needed.', logger='current')
        if size <= self.limit:
            self._kept[key] = half.cpu()
            self.bytes += size
        return half.to(value.dtype)
