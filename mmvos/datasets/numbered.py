"""Batches that know their number in the training: a sample depends on where it stands, not on what was drawn before it."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset, IterableDataset

from mmvos.structures import InputError
from mmvos.utils.random import isolated_random_state, seed_from

from .staged import Stage, Staged, in_stages


class NumberedIndex(NamedTuple):
    """A sample to be made.

    ``item``: index in the data set. ``seed``: of all random numbers that the sample takes. ``stages``: of the curricula.
    """

    item: int
    seed: int
    stages: dict[str, Stage]


class NumberedDataset(Dataset):
    """A data set whose samples depend on their number in the training alone, in whichever process they are made.

    Args:
        dataset (Dataset): the data set itself; its attributes are reached through this one.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: NumberedIndex) -> Any:
        with isolated_random_state(place.seed, devices=False), in_stages(place.stages):
            return self.dataset[place.item]

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset' or name.startswith('__'):  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)


class NumberedBatches:
    """A batch sampler whose indices say which batch of the training they belong to.

    Random numbers of a sample follow from ``(seed, number of the batch, place in the batch)``, where the places of all ranks
    are counted together: with samplers that deal out samples to ranks in turn, two ranks with batches of B make the very
    samples that one rank with batches of 2 B makes.

    Args:
        batches (Iterable[list[int]]): the batch sampler itself, with a ``sampler``.
        seed (Callable[[], int]): gives the seed of the run when a batch is drawn (resuming may change it).
        endless (bool): begin again when the samples are used up, with the sampler's next epoch.
        staged_size (Staged | None): the size of batches by stage.
    """

    def __init__(self, batches: Any, seed: Callable[[], int], endless: bool = False, staged_size: Staged | None = None) -> None:
        self.batches, self.sampler = batches, batches.sampler
        self.seed, self.endless, self.staged_size = seed, endless, staged_size
        #: ``{name of a curriculum: function from the number of a batch to the stage}``
        self.curricula: dict[str, Callable[[int], Stage]] = {}
        self.rank, self.world_size = get_dist_info()
        self._first, self._skipped = 0, 0

    def begin_at(self, number: int, skipped: int = 0) -> None:
        """Set what the next iteration begins with.

        Args:
            number (int): batches of the training before it.
            skipped (int): how many batches of the sampler to leave out, without making their samples.
        """
        self._first, self._skipped = number - skipped, skipped

    def __iter__(self) -> Iterator[list[NumberedIndex]]:
        number, skipped, self._skipped = self._first, self._skipped, 0
        for indices in self._index_lists(number):
            if skipped:
                skipped -= 1
            else:
                stages = self.stages(number)
                yield [
                    NumberedIndex(index, seed_from(self.seed(), number, place * self.world_size + self.rank), stages)
                    for place, index in enumerate(indices)
                ]
            number += 1
        self._first = number

    def _index_lists(self, number: int) -> Iterator[list[int]]:
        epoch = 0
        while True:
            before = number
            for indices in self.batches if self.staged_size is None else self._of_staged_size(number):
                number += 1
                yield indices
            if not self.endless:
                return
            if number == before:
                raise InputError(
                    f'train_dataloader: {len(self.sampler)} samples are too few for a batch of {self.size(number)}.'
                )
            epoch += 1
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(epoch)

    def _of_staged_size(self, number: int) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.size(number))):
            if len(batch) < self.size(number) and self.batches.drop_last:
                return
            yield batch
            number += 1

    def size(self, number: int) -> int:
        """Samples in a batch of this number, of one rank."""
        return self.batches.batch_size if self.staged_size is None else self.staged_size.in_stage(self.stages(number))

    @property
    def batch_size(self) -> int:
        """Samples in the next batch, of one rank; the largest one, before the training begins."""
        if self.staged_size is not None and not self.curricula:
            return max(self.staged_size.values)
        return self.size(self._first + self._skipped)

    def stages(self, number: int) -> dict[str, Stage]:
        """Stages of all curricula at a batch of this number."""
        return {name: stage(number) for name, stage in self.curricula.items()}

    def __len__(self) -> int:
        if self.staged_size is None:
            return len(self.batches)
        size = self.batch_size
        return len(self.sampler) // size if self.batches.drop_last else -(-len(self.sampler) // size)


def numbered(
    loader: DataLoader, seed: Callable[[], int], endless: bool = False, staged_size: Staged | None = None
) -> DataLoader:
    """A loader of training samples that depend on their number in the training alone.

    Args:
        loader (DataLoader): loader over a data set with indices.
        seed (Callable): see :class:`NumberedBatches`.
        endless (bool): see :class:`NumberedBatches`.
        staged_size (Staged | None): see :class:`NumberedBatches`.

    Raises:
        InputError: the loader does not make batches.
    """
    if loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
        raise InputError('train_dataloader: expected batches of a data set with indices.')
    options = {}
    if loader.num_workers:
        options = dict(
            prefetch_factor=loader.prefetch_factor,
            persistent_workers=loader.persistent_workers and not endless,  # an endless iterator keeps its workers anyway
            multiprocessing_context=loader.multiprocessing_context,
            timeout=loader.timeout,
        )
    return DataLoader(
        NumberedDataset(loader.dataset),
        batch_sampler=NumberedBatches(loader.batch_sampler, seed, endless, staged_size),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        **options,
    )
