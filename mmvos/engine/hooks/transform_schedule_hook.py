"""Curricula by settings of the training pipeline."""
from typing import Any, Dict, List

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvos.registry import HOOKS


@HOOKS.register_module()
class TransformScheduleHook(Hook):
    """Change a setting of a transform of the training pipeline as training goes on.

    Example: the first 2, 4, 8 and 14 frames of each video, three epochs each::

        dict(type='TransformScheduleHook', transform='SampleNeighbourhood', setting='max_frames',
             schedule={0: 2, 3: 4, 6: 8, 9: 14})

    Args:
        transform: class name of the transform.
        setting: name of its attribute.
        schedule: ``{first epoch (or iteration): value}``; must begin at 0.
        by_epoch: whether the keys are epochs. Iterations need a data loader without worker processes, which would go on
            with their own copies of the pipeline.
    """
    priority = 'LOW'

    def __init__(self, transform: str, setting: str, schedule: Dict[int, Any], by_epoch: bool = True) -> None:
        self.schedule = {int(start): value for start, value in dict(schedule).items()}
        if 0 not in self.schedule:
            raise ValueError(f'the schedule of {transform}.{setting} must begin at 0, not {min(self.schedule)}.')
        self.transform, self.setting, self.by_epoch = transform, setting, by_epoch

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        if not self.by_epoch and loader.num_workers:
            raise ValueError(f'a schedule of {self.transform}.{self.setting} by iterations needs num_workers=0, the '
                             f'data loader has {loader.num_workers}; use by_epoch=True.')
        if self.by_epoch and getattr(loader, 'persistent_workers', False):
            raise ValueError(f'a schedule of {self.transform}.{self.setting} needs persistent_workers=False: '
                             'workers that live on keep their copies of the pipeline.')
        self._apply(runner, runner.epoch if self.by_epoch else runner.iter)

    def before_train_epoch(self, runner: Runner) -> None:
        if self.by_epoch:
            self._apply(runner, runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if not self.by_epoch:
            self._apply(runner, runner.iter)

    def value_at(self, time: int) -> Any:
        """The value in this epoch (or iteration)."""
        return self.schedule[max(start for start in self.schedule if start <= time)]

    def _apply(self, runner: Runner, time: int) -> None:
        value = self.value_at(time)
        for transform in self._find(runner):
            if getattr(transform, self.setting) != value:
                runner.logger.info(f'{self.transform}.{self.setting} = {value}')
                setattr(transform, self.setting, value)

    def _find(self, runner: Runner) -> List[Any]:
        dataset = runner.train_dataloader.dataset
        while not hasattr(dataset, 'pipeline') and hasattr(dataset, 'dataset'):  # RepeatDataset and its like
            dataset = dataset.dataset
        parts = getattr(dataset, 'datasets', [dataset])
        found = [t for part in parts for t in part.pipeline.transforms if type(t).__name__ == self.transform]
        if not found or not hasattr(found[0], self.setting):
            raise ValueError(f'the training pipeline has no {self.transform} with a setting {self.setting!r}.')
        return found
