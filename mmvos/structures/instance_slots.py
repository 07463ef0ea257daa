"""Which channel of a network with one channel per instance belongs to which object."""

import itertools
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .object_state import PER_OBJECT


@dataclass(frozen=True)
class InstanceSlots:
    """Slots of the objects of a video.

    The network has ``per_pass`` slots; slot s is channel ``s % per_pass`` of pass ``s // per_pass``. An object keeps
    its slot as long as it lives; a new object takes the lowest free one, so a further pass is made only where there are
    more objects than slots.

    Args:
        per_pass (int): instances in one forward pass.
        slots (tuple[int, ...]): slot of each object; those of removed objects are free again.
    """

    per_pass: int
    slots: tuple[int, ...] = field(default=(), metadata=PER_OBJECT)

    def add(self, count: int) -> 'InstanceSlots':
        """With ``count`` further objects."""
        free = (slot for slot in itertools.count() if slot not in self.slots)
        return InstanceSlots(self.per_pass, self.slots + tuple(itertools.islice(free, count)))

    @property
    def passes(self) -> list[int]:
        """Numbers of the passes that have an object in them."""
        return sorted({slot // self.per_pass for slot in self.slots})

    def positions(self) -> tuple[list[int], list[int]]:
        """For each object the row among :attr:`passes`, and the channel."""
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
    """One random permutation per sample of all slots, empty ones included, the same for every argument.

    Source: "instance shuffle" of MAIN, section 3: objects appear equally often in every channel.

    Args:
        maps (Tensor): tensors ``(B, N, ...)``.

    Returns:
        tuple[Tensor, ...]: the same tensors, ``(B, N, ...)`` each, their slots in the new order.
    """
    batch, count = maps[0].shape[:2]
    order = torch.rand(batch, count, device=maps[0].device).argsort(1)
    rows = torch.arange(batch, device=order.device)[:, None]
    return tuple(m[rows, order] for m in maps)
