"""mmengine's training loops, made exact: a training that was killed and resumed gives the weights of the undisturbed one.

Random numbers of an iteration follow from the run's seed and the iteration's number; those of a sample from the seed and the
sample's place in the training (:mod:`mmvos.datasets.numbered`). No generator's state has to be kept, and none depends on how
many worker processes load data.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import get_rank
from mmengine.runner import EpochBasedTrainLoop as _EpochBasedTrainLoop
from mmengine.runner import IterBasedTrainLoop as _IterBasedTrainLoop
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmvos.datasets.numbered import NumberedBatches, numbered
from mmvos.registry import LOOPS, TASK_UTILS
from mmvos.structures import InputError
from mmvos.utils.random import seed_from, seed_generators

from .hooks.position_hook import TrainingPositionHook
from .hooks.schedule_hook import ScheduleHook


class _ExactLoop:
    """What both loops share.

    Attributes:
        batches_of_epoch (int): batches of the current epoch that were done before the run was resumed.
        validate_first (bool): the checkpoint was written before a validation that was due then.
    """

    runner: Runner
    dataloader: DataLoader
    batches_of_epoch = 0
    validate_first = False

    def __init__(self, runner: Runner, dataloader: DataLoader, **kwargs: Any) -> None:
        super().__init__(runner, dataloader, **kwargs)  # type: ignore[call-arg]  # mmengine's loop comes next
        runner.register_hook(TrainingPositionHook())
        runner.register_hook(ScheduleHook())

    @property
    def batches(self) -> NumberedBatches:
        """The batch sampler."""
        return self.dataloader.batch_sampler  # type: ignore[return-value]  # set by `numbered`

    def seed_iteration(self, number: int) -> None:
        """Seed everything that draws random numbers in an iteration outside of the data loader.

        Args:
            number (int): iterations before it.
        """
        seed_generators(seed_from('iteration', self.runner.seed, number, get_rank()))

    def make_up_validation(self) -> None:
        """Run the validation that was due when the checkpoint was written; it comes after the checkpoint, and a curriculum, a
        schedule or the best checkpoint may hang on it."""
        if self.validate_first and self.runner.val_loop is not None:
            self.validate_first = False
            self.runner.val_loop.run()


def _built(runner: Runner, loader: DataLoader | dict[str, Any], endless: bool) -> DataLoader:
    """The loader of numbered batches of a config."""

    def seed() -> int:
        return int(runner.seed or 0)

    if isinstance(loader, DataLoader):
        return numbered(loader, seed, endless)
    config = copy.deepcopy(loader)
    size = config.get('batch_size', 1)
    staged_size = TASK_UTILS.build(dict(size)) if isinstance(size, Mapping) else None
    sizes = [size] if staged_size is None else staged_size.values
    if not all(isinstance(number, int) and number > 0 for number in sizes):
        raise InputError(f'train_dataloader.batch_size: expected a number from 1, got {size!r}.')
    if 'batch_size' in config:
        config['batch_size'] = max(sizes)
    return numbered(runner.build_dataloader(config, seed=runner.seed), seed, endless, staged_size)


@LOOPS.register_module()
class IterBasedTrainLoop(_ExactLoop, _IterBasedTrainLoop):
    """Training by iterations.

    The samples are gone through again and again without a break between; the loading processes live on.

    Args:
        runner (Runner): the runner.
        dataloader (DataLoader | dict): the data loader, or its config.
        max_iters (int): number of iterations.
        kwargs (dict): further arguments of mmengine's loop of this name.

    Raises:
        InputError: ``max_iters`` is no positive integer.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, max_iters: int, **kwargs: Any) -> None:
        _check_length('max_iters', max_iters)
        super().__init__(runner, _built(runner, dataloader, endless=True), max_iters=max_iters, **kwargs)
        self.dataloader_iterator = _Batches(self.dataloader)

    def run(self) -> Any:
        try:
            return super().run()
        finally:
            self.dataloader_iterator.close()

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        self.seed_iteration(self._iter)
        super().run_iter(data_batch)

    def validation_due(self) -> bool:
        """Whether a validation comes after this iteration."""
        self._decide_current_val_interval()
        at_interval = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        return self._iter >= self.val_begin and at_interval


class _Batches:
    """Batches without end, in the way in which mmengine's loop asks for them."""

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self.batches: NumberedBatches = loader.batch_sampler  # type: ignore[assignment]  # set by `numbered`
        self._iterator: Any = None

    def skip_iter(self, number: int) -> None:
        """Leave out the first batches; nothing is loaded for them."""
        self.batches.begin_at(number, skipped=number)

    def close(self) -> None:
        """Let the loading processes end."""
        self._iterator = None

    def __iter__(self) -> '_Batches':
        return self

    def __next__(self) -> Any:
        if self._iterator is None:
            self._iterator = iter(self.loader)
        return next(self._iterator)


@LOOPS.register_module()
class EpochBasedTrainLoop(_ExactLoop, _EpochBasedTrainLoop):
    """Training by epochs.

    A checkpoint that was written in the middle of an epoch (``CheckpointHook`` with ``by_epoch=False``) is resumed there.

    Args:
        runner (Runner): the runner.
        dataloader (DataLoader | dict): the data loader, or its config.
        max_epochs (int): number of epochs.
        kwargs (dict): further arguments of mmengine's loop of this name.

    Raises:
        InputError: ``max_epochs`` is no positive integer.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, max_epochs: int, **kwargs: Any) -> None:
        _check_length('max_epochs', max_epochs)
        super().__init__(runner, _built(runner, dataloader, endless=False), max_epochs=max_epochs, **kwargs)

    def run_epoch(self) -> None:
        self.batches.begin_at(self._iter, skipped=self.batches_of_epoch)
        super().run_epoch()
        self.batches_of_epoch = 0

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        self.seed_iteration(self._iter)
        super().run_iter(idx, data_batch)

    def validation_due(self) -> bool:
        """Whether a validation comes after this epoch."""
        self._decide_current_val_interval()
        at_interval = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        return self._epoch >= self.val_begin and at_interval


def _check_length(name: str, value: int) -> None:
    if not isinstance(value, (int, float)) or value < 1 or value != int(value):
        raise InputError(f'train_cfg.{name}: expected a number from 1, got {value!r}.')
