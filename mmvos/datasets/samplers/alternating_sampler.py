"""Batches that alternate between the streams of a ``AlternatingDatasets`` data set."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvos.registry import DATA_SAMPLERS
from mmvos.structures import InputError


@DATA_SAMPLERS.register_module()
class AlternatingSampler(Sampler):
    """An endless shuffled order of every stream; what :class:`AlternatingBatchSampler` draws from.

    Position p of a stream is the same sample in every process: the stream is gone through once in a random order, then in
    another, and so on.

    Args:
        dataset (AlternatingDatasets): an ``AlternatingDatasets``.
        seed (int | None): seed of the orders; default: one that the ranks agree on.
        shuffle (bool): False: the data sets' own order.

    Raises:
        InputError: another kind of data set.
    """

    def __init__(self, dataset: Any, seed: int | None = None, shuffle: bool = True) -> None:
        if not hasattr(dataset, 'ranges'):
            raise InputError(f'AlternatingSampler needs an AlternatingDatasets data set; got {type(dataset).__name__}.')
        self.dataset, self.shuffle = dataset, shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self._orders: dict[str, tuple] = {}

    def draw(self, stream: str, position: int) -> int:
        """Index in the data set of the sample at a position (from 0, without end) of a stream."""
        indices = self.dataset.ranges[stream]
        cycle, offset = divmod(position, len(indices))
        if not self.shuffle:
            return indices[offset]
        if self._orders.get(stream, (None,))[0] != cycle:
            number = list(self.dataset.ranges).index(stream)
            self._orders[stream] = (cycle, np.random.default_rng((self.seed, number, cycle)).permutation(len(indices)))
        return indices[int(self._orders[stream][1][offset])]

    def set_epoch(self, epoch: int) -> None:
        """Where training is; called by mmengine before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.dataset)))

    def __len__(self) -> int:
        return len(self.dataset)


@DATA_SAMPLERS.register_module()
class AlternatingBatchSampler:
    """Batch number i of the whole training comes from stream ``pattern[i % len(pattern)]``.

    i counts on over epochs: there is one counter, and the data, the losses and (by ``AlternatingLRHook``) the learning rates
    all follow the batch that it chose.

    Args:
        sampler (AlternatingSampler): a :class:`AlternatingSampler`.
        batch_size (int): samples per batch and rank.
        pattern (Sequence[str]): names of streams, e.g. ``('still', 'video', 'video')``.
        num_batches (int | None): per epoch; default: until every stream has been seen once.
        batch_sizes (dict[str, int] | None): ``{stream: samples}`` where they differ from ``batch_size``.
        drop_last (bool): ignored; batches are full.

    Raises:
        InputError: no ``pattern``, or a stream that the data set does not have.
    """

    def __init__(
        self,
        sampler: AlternatingSampler,
        batch_size: int,
        pattern: Sequence[str],
        num_batches: int | None = None,
        batch_sizes: dict[str, int] | None = None,
        drop_last: bool = True,  # noqa: ARG002  (mmengine's argument)
    ) -> None:
        ranges = sampler.dataset.ranges
        unknown = [name for name in [*pattern, *(batch_sizes or {})] if name not in ranges]
        if unknown or not pattern:
            raise InputError(
                f'AlternatingBatchSampler: pattern {tuple(pattern)} and batch_sizes {batch_sizes} may only name the '
                f'streams {sorted(ranges)} of the data set.'
            )
        self.sampler, self.pattern = sampler, tuple(pattern)
        self.batch_size = batch_size  # of a stream that batch_sizes does not name
        self.batch_sizes = {name: (batch_sizes or {}).get(name, batch_size) for name in self.pattern}
        self.rank, self.world_size = get_dist_info()
        if num_batches is None:
            rounds = max(
                -(-len(ranges[name]) // (self.pattern.count(name) * size * self.world_size))
                for name, size in self.batch_sizes.items()
            )
            num_batches = rounds * len(self.pattern)
        self.num_batches = num_batches

    def __iter__(self) -> Iterator[list]:
        first = self.sampler.epoch * self.num_batches
        for number in range(first, first + self.num_batches):
            yield self.batch(number)

    def batch(self, number: int) -> list:
        """Indices of this rank's part of batch ``number`` of the training."""
        rounds, step = divmod(number, len(self.pattern))
        stream = self.pattern[step]
        earlier = rounds * self.pattern.count(stream) + self.pattern[:step].count(stream)
        size = self.batch_sizes[stream]
        position = (earlier * self.world_size + self.rank) * size
        return [self.sampler.draw(stream, position + i) for i in range(size)]

    def __len__(self) -> int:
        return self.num_batches
