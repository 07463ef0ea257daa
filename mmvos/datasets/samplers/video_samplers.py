"""Samplers: whole videos shared out among ranks, endless clips, data sets drawn equally often."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, get_world_size, sync_random_seed
from torch.utils.data import Sampler

from mmvos.registry import DATA_SAMPLERS
from mmvos.structures import InputError
from mmvos.utils.ranks import SharedCounter


@DATA_SAMPLERS.register_module()
class LongestFirstSampler(Sampler):
    """Whole videos for a test: every video once, in one rank, the longest first.

    The ranks take videos from a common queue, each the next one when it is done with the one before: a rank that is slow does
    not hold up the others. (Loading processes, ``num_workers``, take some ahead.) With fewer videos than ranks some ranks get
    none.

    Args:
        dataset (Dataset): has ``video_lengths()``; else all videos count the same.
        shuffle (bool): False; there for mmengine's sake.
        seed (int | None): not used; there for mmengine's sake.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = False,  # noqa: ARG002  (mmengine's arguments)
        seed: int | None = None,  # noqa: ARG002  (likewise)
    ) -> None:
        lengths = dataset.video_lengths() if hasattr(dataset, 'video_lengths') else [1] * len(dataset)
        self.indices = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        self.passes = 0
        self._queues: list[SharedCounter] = []

    def __iter__(self) -> Iterator[int]:
        if get_world_size() == 1:
            return iter(self.indices)
        if not self._queues:
            self._queues = [SharedCounter()]
        self.passes += 1
        return self._taken(self._queues[0], f'videos of pass {self.passes}')

    def _taken(self, queue: SharedCounter, name: str) -> Iterator[int]:
        while (position := queue.next(name)) < len(self.indices):
            yield self.indices[position]

    def __len__(self) -> int:
        """Videos of a rank, if all took as many."""
        return -(-len(self.indices) // get_world_size())


@DATA_SAMPLERS.register_module()
class EndlessSampler(Sampler):
    """0, 1, 2, ... without end, every rank its own share, for ``IterBasedTrainLoop``.

    With a data set that makes clip number i on demand, no clip comes twice.

    Args:
        dataset (Any): any; indices are taken modulo its length.
        seed (int): where to begin (each seed begins a million clips later).
        shuffle (bool): ignored.
    """

    def __init__(self, dataset: Any, seed: int = 0, shuffle: bool = True) -> None:  # noqa: ARG002  (mmengine's argument)
        self.rank, self.world_size = get_dist_info()
        self.size, self.first = len(dataset), (seed or 0) * 1_000_003
        self.position = 0

    def skip(self, num_samples: int) -> None:
        """Leave out the next ``num_samples`` of this rank (used when a run is resumed)."""
        self.position += num_samples

    def __iter__(self) -> Iterator[int]:
        while True:
            index = (self.first + self.rank + self.position * self.world_size) % self.size
            self.position += 1
            yield index

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        """The order does not depend on the epoch."""


@DATA_SAMPLERS.register_module()
class BalancedSampler(Sampler):
    """An epoch of ``num_samples`` items in which the parts of a ``ConcatDataset`` are drawn about equally.

    Each item has the weight 1 / (size of its part).

    Args:
        dataset (Dataset): concatenated data set (with ``cumulative_sizes``), or any other (then all weights are equal).
        num_samples (int | tuple[int, float] | None): items per epoch, over all ranks; an int, or ``(part index, factor)``:
            ``factor`` times that part's size. None: the size of the data set.
        replacement (bool): whether an item may be drawn several times in an epoch.
        weighted (bool): False: every item has the same weight.
        shuffle (bool): ignored.
        seed (int | None): seed of the draws; default: one that the ranks agree on.

    Raises:
        InputError: more samples than the data set has, without ``replacement``.
    """

    def __init__(
        self,
        dataset: Any,
        num_samples: int | tuple[int, float] | None = None,
        replacement: bool = False,
        weighted: bool = True,
        shuffle: bool = True,  # noqa: ARG002  (mmengine's argument)
        seed: int | None = None,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        ends = list(getattr(dataset, 'cumulative_sizes', [len(dataset)]))
        sizes = np.diff([0] + ends)
        self.probabilities: np.ndarray = np.full(len(dataset), 1 / len(dataset))
        if weighted:
            self.probabilities = np.repeat(1 / (sizes * len(sizes)), sizes)
        if num_samples is None:
            num_samples = len(dataset)
        elif not isinstance(num_samples, int):
            num_samples = int(sizes[num_samples[0]] * num_samples[1])
        if num_samples > len(dataset) and not replacement:
            raise InputError(f'{num_samples} samples of a data set of {len(dataset)} need replacement=True.')
        self.num_samples, self.replacement = num_samples, replacement
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        drawn = rng.choice(len(self.probabilities), self.num_samples, replace=self.replacement, p=self.probabilities)
        padded = np.resize(drawn, len(self) * self.world_size)  # every rank gets the same number
        return iter(padded[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        return -(-self.num_samples // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Draw again for this epoch."""
        self.epoch = epoch
