"""Curricula: settings of the model, of the training pipeline and of the data loader that change as training goes on."""

import bisect
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader

from mmvos.registry import HOOKS

DATA_BATCH = dict | tuple | list | None


class StagedFetch:
    """Draws a whole batch in one stage, in whatever process the batch is made.

    Stands in a data set as ``__getitems__``, which PyTorch's loader calls with the indices of a batch. The stage is a
    number in shared memory: worker processes, also those that live on, read it before every batch, and the batches of
    one worker never mix two stages.

    Args:
        dataset: the data set.
        targets: ``[(transform, attribute, values by stage)]``; the transforms are those of the data set itself.
        stage: int64 tensor with one element, in shared memory.
    """

    def __init__(self, dataset: Any, targets: list[tuple[Any, str, Sequence]], stage: Tensor) -> None:
        self.dataset, self.targets, self.stage, self._applied = dataset, targets, stage, None

    def __call__(self, indices: Sequence[int]) -> list:
        stage = int(self.stage)
        if stage != self._applied:
            for transform, attribute, values in self.targets:
                setattr(transform, attribute, values[min(stage, len(values) - 1)])
            self._applied = stage
        return [self.dataset[index] for index in indices]


class _StagedHook(Hook):
    """What the curricula share: putting a stage into effect.

    Args:
        transforms: ``{'ClassName.attribute': values by stage}`` of the training pipeline.
        model: ``{'path.of.attribute': values by stage}`` of the model.
        batch_size: by stage, of each process.

    Lists that are shorter than the number of stages keep their last value.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        transforms: dict[str, Sequence] | None = None,
        model: dict[str, Any] | None = None,
        batch_size: Sequence[int] | None = None,
    ) -> None:
        self.transforms = {k: list(v) for k, v in (transforms or {}).items()}
        self.model, self.batch_size = dict(model or {}), list(batch_size or [])
        for path in self.transforms:
            if path.count('.') != 1:
                raise ValueError(f"transforms: {path!r}; expected 'ClassName.attribute'.")
        self._shared: Tensor | None = None
        self._stage: int | None = None
        self._retired: list[Any] = []

    def before_train(self, runner: Runner) -> None:
        """Reach into the data set before its workers start."""
        for path in self.model:
            _resolve(runner.model, path)
        if self.transforms:
            self._share(runner)

    def _share(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        targets = [
            (transform, path.split('.')[1], values)
            for path, values in self.transforms.items()
            for transform in find_transforms(loader.dataset, *path.split('.'))
        ]
        fetch = getattr(loader.dataset, '__getitems__', None)
        if fetch is not None and not isinstance(fetch, StagedFetch):
            raise TypeError(
                f'{type(loader.dataset).__name__} fetches batches in a way of its own; a curriculum of the '
                'training pipeline cannot be put in front of it.'
            )
        self._shared = torch.zeros(1, dtype=torch.int64).share_memory_()
        staged = StagedFetch(loader.dataset if fetch is None else _Chained(fetch), targets, self._shared)
        loader.dataset.__getitems__ = staged
        self._restart_workers(loader, getattr(runner.train_loop, 'dataloader_iterator', None))

    def _restart_workers(self, loader: DataLoader, endless: Any) -> None:
        """Workers that were started before have a data set of the time before.

        Their iterator is kept: were it freed, Python would close the generators of an endless sampler, which the next
        iterator shares.
        """
        for owner in (loader, endless):
            iterator = getattr(owner, '_iterator', None)
            if iterator is not None:
                if hasattr(iterator, '_shutdown_workers'):
                    iterator._shutdown_workers()
                self._retired.append(iterator)
                owner._iterator = None

    def set_stage(self, runner: Runner, stage: int) -> None:
        """Put a stage (from 0) into effect."""
        if stage == self._stage:
            return
        self._stage = stage
        settings = {}
        for path, values in self.model.items():
            if not isinstance(values, dict):
                owner, attribute = _resolve(runner.model, path)
                settings[path] = values[min(stage, len(values) - 1)]
                setattr(owner, attribute, settings[path])
        if self._shared is not None:
            self._shared.fill_(stage)
            settings.update({path: values[min(stage, len(values) - 1)] for path, values in self.transforms.items()})
        if self.batch_size:
            settings['batch_size'] = self.batch_size[min(stage, len(self.batch_size) - 1)]
            runner.train_dataloader.batch_sampler.batch_size = settings['batch_size']
        if settings:
            runner.logger.info(f'{type(self).__name__}, stage {stage}: ' + ', '.join(f'{k} = {v}' for k, v in settings.items()))


class _Chained:
    """A data set whose items come from another curriculum's batch fetch, so that several hooks can be in one run."""

    def __init__(self, fetch: StagedFetch) -> None:
        self.fetch = fetch

    def __getitem__(self, index: int) -> Any:
        return self.fetch([index])[0]


@HOOKS.register_module()
class CurriculumHook(_StagedHook):
    """Stages at fixed epochs or iterations.

    Examples: clips of 2, 4, 8, 14 frames; hand-over from ground-truth to inferred masks, suddenly or step by step; the
    stop loss from epoch 100 on::

        dict(
            type='CurriculumHook', begins=(3, 6, 9), transforms={'SampleClip.clip_len': (2, 4, 8, 14)}, batch_size=(8, 8, 4, 2)
        )
        dict(type='CurriculumHook', begins=(20,), model={'inferred_mask_prob': (0.0, 1.0)})
        dict(type='CurriculumHook', model={'inferred_mask_prob': dict(begin=10, end=20, values=(0.0, 1.0))})
        dict(type='CurriculumHook', begins=(100,), model={'criterion.weights.stop': (0.0, 0.5)})

    Settings of transforms also reach worker processes that live on (``persistent_workers``) and data loaders that are
    iterated without end; a few batches that a worker has made ahead still belong to the stage before. Stage and values
    follow from the epoch or iteration alone, so a resumed run continues rightly.

    Args:
        begins: epochs (or iterations) at which stages 1, 2, ... begin; stage 0 begins at 0.
        by_epoch: whether numbers are epochs.
        transforms: ``{'ClassName.attribute': values by stage}``.
        model: ``{'path.of.attribute': values by stage}``, or ``dict(begin=, end=, values=(first, last))`` for a number
            that moves in a straight line.
        batch_size: by stage. By epoch only, for a loader's iterator keeps the size that it began with.
    """

    def __init__(self, begins: Sequence[int] = (), by_epoch: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.begins, self.by_epoch = list(begins), by_epoch
        if self.begins != sorted(set(self.begins)) or (self.begins and self.begins[0] < 1):
            raise ValueError(f'begins is {tuple(begins)}; expected growing numbers from 1.')
        if self.batch_size and not by_epoch:
            raise ValueError('batch_size can only change by epoch.')
        for path, values in itertools.chain(self.transforms.items(), self.model.items()):
            if isinstance(values, dict):
                if values.keys() != {'begin', 'end', 'values'} or values['end'] <= values['begin']:
                    raise ValueError(f'{path}: {values}; expected dict(begin=, end=, values=(first, last)), begin before end.')
            elif len(values) != len(self.begins) + 1:
                raise ValueError(f'{path}: {len(values)} values for {len(self.begins) + 1} stages.')

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        self._update(runner, runner.epoch if self.by_epoch else runner.iter)

    def before_train_epoch(self, runner: Runner) -> None:
        if self.by_epoch:
            self._update(runner, runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None) -> None:
        if not self.by_epoch:
            self._update(runner, runner.iter)

    def _update(self, runner: Runner, time: int) -> None:
        self.set_stage(runner, bisect.bisect_right(self.begins, time))
        for path, line in self.model.items():
            if isinstance(line, dict):
                share = min(max((time - line['begin']) / (line['end'] - line['begin']), 0.0), 1.0)
                owner, attribute = _resolve(runner.model, path)
                setattr(owner, attribute, line['values'][0] + share * (line['values'][1] - line['values'][0]))


@HOOKS.register_module()
class PlateauCurriculumHook(_StagedHook):
    """The next stage begins when a value has not improved for some epochs (RSIS, section 4).

    Used there for the number of objects, and to add one term of the loss after the other.

    Args:
        num_stages: how many there are.
        patience: epochs without improvement that a stage is given.
        monitor: name of a validation metric, or of a logged training value (``'train/loss'``).
        rule: ``'less'`` or ``'greater'`` is better.
        min_delta: smallest difference that counts as an improvement.
        transforms, model, batch_size: values by stage, see :class:`CurriculumHook`.
    """

    def __init__(
        self, num_stages: int, patience: int, monitor: str = 'train/loss', rule: str = 'less', min_delta: float = 0.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if rule not in ('less', 'greater'):
            raise ValueError(f"rule is {rule!r}; expected 'less' or 'greater'.")
        self.num_stages, self.patience, self.monitor, self.min_delta = num_stages, patience, monitor, min_delta
        self.sign = 1 if rule == 'less' else -1
        self.progress = dict(stage=0, best=float('inf'), waited=0)

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        self.set_stage(runner, self.progress['stage'])

    def before_train_epoch(self, runner: Runner) -> None:
        self.set_stage(runner, self.progress['stage'])

    def after_train_epoch(self, runner: Runner) -> None:
        if self.monitor.startswith('train/'):
            history = MessageHub.get_current_instance().get_scalar(self.monitor)
            self._observe(history.mean(len(runner.train_dataloader)))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not self.monitor.startswith('train/'):
            if self.monitor not in (metrics or {}):
                raise KeyError(f'no metric {self.monitor!r}; the validation gave {sorted(metrics or {})}.')
            self._observe(metrics[self.monitor])

    def _observe(self, value: float) -> None:
        progress = self.progress
        if self.sign * value < progress['best'] - self.min_delta:
            progress.update(best=self.sign * value, waited=0)
            return
        progress['waited'] += 1
        if progress['waited'] >= self.patience and progress['stage'] < self.num_stages - 1:
            progress.update(stage=progress['stage'] + 1, best=float('inf'), waited=0)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint.setdefault('curricula', {})[self._key] = dict(self.progress)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume and self._key in checkpoint.get('curricula', {}):
            self.progress = dict(checkpoint['curricula'][self._key])

    @property
    def _key(self) -> str:
        return ','.join([self.monitor, *self.transforms, *self.model])


@HOOKS.register_module()
class FreezeHook(Hook):
    """A part of the model begins to learn later.

    Its learning rate is 0 in each iteration until then, which also holds for a model that is wrapped for several
    processes; batch norms keep counting. Needs an optimizer whose parameter groups do not mix the part with others,
    as those of ``paramwise_cfg`` with ``custom_keys`` do not.

    Args:
        module: dotted path of the part.
        until: the epoch in which it begins to learn.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, module: str, until: int) -> None:
        self.module, self.until = module, until
        self._rates: list[tuple[dict, float]] = []

    def before_train(self, runner: Runner) -> None:
        owner, name = _resolve(runner.model, self.module)
        frozen = {id(p) for p in getattr(owner, name).parameters()}
        self._groups = []
        for group in runner.optim_wrapper.optimizer.param_groups:
            inside = [id(p) in frozen for p in group['params']]
            if any(inside) and not all(inside):
                raise ValueError(
                    f'the optimizer mixes {self.module} with other parameters in one group; set '
                    f"paramwise_cfg=dict(custom_keys={{'{self.module}': dict(lr_mult=...)}})."
                )
            if any(inside):
                self._groups.append(group)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None) -> None:
        if runner.epoch < self.until:
            self._rates = [(group, group['lr']) for group in self._groups]
            for group in self._groups:
                group['lr'] = 0.0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None, outputs: dict | None = None
    ) -> None:
        for group, rate in self._rates:  # schedulers go on from the true rate
            group['lr'] = rate
        self._rates = []


def find_transforms(dataset: Any, name: str, attribute: str) -> list[Any]:
    """The transforms of a class in the pipelines of a data set, also inside wrappers and broadcasters.

    Raises:
        ValueError: there is none, or it has no such attribute.
    """
    found, queue = [], [dataset]
    while queue:
        part = queue.pop()
        if type(part).__name__ == name and hasattr(part, attribute):
            found.append(part)
        pipeline = getattr(part, 'pipeline', None)
        inner = [
            getattr(part, 'dataset', None),
            *(getattr(part, 'datasets', None) or []),
            *(getattr(pipeline, 'transforms', None) or []),
        ]
        transforms = getattr(part, 'transforms', None)
        inner += list(getattr(transforms, 'transforms', None) or (transforms if isinstance(transforms, list) else []))
        queue += [p for p in inner if p is not None and not isinstance(p, dict)]
    if not found:
        raise ValueError(f'the training pipeline has no {name} with an attribute {attribute!r}.')
    return found


def _resolve(model: Any, path: str) -> tuple[Any, str]:
    """The object that has the attribute at the end of a dotted path, and the attribute's name."""
    owner = model.module if is_model_wrapper(model) else model
    *parents, attribute = path.split('.')
    for name in parents:
        owner = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    if not hasattr(owner, attribute):
        raise ValueError(f'{path}: {type(owner).__name__} has no attribute {attribute!r}.')
    return owner, attribute
