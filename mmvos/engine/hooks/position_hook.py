"""What a checkpoint has to say of its place in the training beside the numbers of epoch and iteration."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from typing_extensions import override

DATA_BATCH = dict | tuple | list | None


class TrainingPositionHook(Hook):
    """Notes in ``checkpoint['meta']`` how much of an epoch is done and whether the validation there is over; resumes there.

    MMVOS's training loops bring it along; it need not be in a config.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._epoch, self._first_iteration = 0, 0
        self._validated = False
        self._resumed: dict[str, Any] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            self._resumed = checkpoint['meta']

    def before_train(self, runner: Runner) -> None:
        loop = runner.train_loop
        if self._resumed is not None:
            loop.batches_of_epoch = self._resumed.get('batches_of_epoch', 0)
            # a checkpoint of another program does not say; its validation is not repeated
            loop.validate_first = not self._resumed.get('validated', True) and loop.validation_due()
            self._resumed = None
        self._epoch, self._first_iteration = runner.epoch, runner.iter - loop.batches_of_epoch
        loop.make_up_validation()

    def before_train_epoch(self, runner: Runner) -> None:
        self._epoch, self._first_iteration = runner.epoch, runner.iter - runner.train_loop.batches_of_epoch

    @override
    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None) -> None:
        self._validated = False

    @override
    def before_val(self, runner: Runner) -> None:
        self._validated = True

    @override
    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        meta = checkpoint['meta']
        done = meta['iter'] - self._first_iteration if meta['epoch'] == self._epoch else 0
        meta.update(batches_of_epoch=done, validated=self._validated)
