"""Which channel of a network with one channel per instance belongs to which object."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class InstanceSlots:
    """Slots of the objects of a video.

    The network has ``per_pass`` slots; slot s is channel ``s % per_pass`` of pass ``s // per_pass``. An object keeps
    its slot as long as it lives; a new object takes the lowest free one, so a further pass is made only where there are
    more objects than slots.

    ``per_pass``: instances in one forward pass. ``slots``: of the objects, in their order.
    """

    per_pass: int
    slots: tuple[int, ...] = ()

    def add(self, count: int) -> 'InstanceSlots':
        """With ``count`` further objects."""
        taken = set(self.slots)
        added: list[int] = []
        candidate = 0
        while len(added) < count:
            if candidate not in taken:
                added.append(candidate)
            candidate += 1
        return InstanceSlots(self.per_pass, self.slots + tuple(added))

    def keep(self, indices: Sequence[int]) -> 'InstanceSlots':
        """With only the objects of these indices; the others' slots are free again."""
        return InstanceSlots(self.per_pass, tuple(self.slots[i] for i in indices))

    @property
    def passes(self) -> list[int]:
        """Numbers of the passes that have an object in them."""
        return sorted({slot // self.per_pass for slot in self.slots})

    def positions(self) -> tuple[list[int], list[int]]:
        """Of each object: the row among :attr:`passes`, and the channel."""
        rows = {number: row for row, number in enumerate(self.passes)}
        return [rows[s // self.per_pass] for s in self.slots], [s % self.per_pass for s in self.slots]

    def scatter(self, maps: Tensor) -> Tensor:
        """Maps of the objects ``(n, h, w)`` to the channels of the passes ``(P, per_pass, h, w)``; free slots are 0."""
        channels = maps.new_zeros(len(self.passes), self.per_pass, *maps.shape[1:])
        channels[self.positions()] = maps
        return channels

    def gather(self, channels: Tensor) -> Tensor:
        """Channels of the passes ``(P, per_pass, h, w)`` to maps of the objects ``(n, h, w)``."""
        return channels[self.positions()]


def shuffle_slots(*maps: Tensor) -> tuple[Tensor, ...]:
    """One random permutation per sample of all slots, empty ones included, applied to every argument alike.

    Source: "instance shuffle" of MAIN, section 3: objects appear equally often in every channel.

    Args:
        maps: tensors ``(B, N, ...)``.
    """
    batch, count = maps[0].shape[:2]
    order = torch.rand(batch, count, device=maps[0].device).argsort(1)
    rows = torch.arange(batch, device=order.device)[:, None]
    return tuple(m[rows, order] for m in maps)
