"""Curricula: they say in which stage a training is; settings of the pipeline and the model follow."""

import bisect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from typing_extensions import override

from mmvos.datasets.numbered import NumberedBatches
from mmvos.datasets.staged import Stage
from mmvos.registry import HOOKS
from mmvos.structures import InputError

from .attributes import find_attribute

DATA_BATCH = dict | tuple | list | None


class _Curriculum(Hook):
    """What the curricula share.

    Args:
        num_stages (int): how many there are.
        name (str): by which ``Staged`` values of the training pipeline find it.
        model (Mapping): ``{'path.of.attribute': values by stage}`` of the model.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, num_stages: int, name: str, model: Mapping[str, Any] | None) -> None:
        self.num_stages, self.name, self.model = num_stages, name, dict(model or {})
        self._reported: int | None = None
        for path, values in self.model.items():
            if not isinstance(values, Mapping) and len(values) != num_stages:
                raise InputError(f'{path}: {len(values)} values for {num_stages} stages.')

    def before_train(self, runner: Runner) -> None:
        for path in self.model:
            find_attribute(runner.model, path)
        batches = runner.train_dataloader.batch_sampler
        if not isinstance(batches, NumberedBatches):
            raise InputError(f"{type(self).__name__} needs MMVOS's training loops; got {type(runner.train_loop).__name__}.")
        if self.name in batches.curricula:
            raise InputError(f'{type(self).__name__}: two curricula are called {self.name!r}; give one another name.')
        batches.curricula[self.name] = lambda number: Stage(self.stage_at(runner, number), self.num_stages)
        self.apply(runner)

    @abstractmethod
    def stage_at(self, runner: Runner, iteration: int) -> int:
        """The stage, from 0, of an iteration that is still to come.

        Args:
            runner (Runner): in the present epoch.
            iteration (int): number of iterations before it.
        """

    def apply(self, runner: Runner) -> None:
        """Set the model's attributes for the present iteration."""
        stage = self.stage_at(runner, runner.iter)
        for path, values in self.model.items():
            owner, attribute = find_attribute(runner.model, path)
            setattr(owner, attribute, self.value_of(runner, values, stage))
        if stage != self._reported:
            self._reported = stage
            settings = [f', {path} = {values[stage]}' for path, values in self.model.items() if not isinstance(values, Mapping)]
            runner.logger.info(f'curriculum {self.name}: stage {stage} of {self.num_stages}{"".join(settings)}')

    def value_of(self, runner: Runner, values: Any, stage: int) -> Any:  # noqa: ARG002  (for subclasses)
        """The value of a model's attribute in a stage."""
        return values[stage]


@HOOKS.register_module()
class CurriculumHook(_Curriculum):
    """Stages at fixed epochs or iterations.

    Examples: clips of 2, 4, 8, 14 frames; hand-over from ground-truth to inferred masks, suddenly or step by step; the
    stop loss from epoch 100 on::

        train_pipeline = [dict(type='SampleClip', clip_len=dict(type='Staged', values=(2, 4, 8, 14))), ...]
        train_dataloader = dict(batch_size=dict(type='Staged', values=(8, 8, 4, 2)), ...)

        dict(type='CurriculumHook', begins=(3, 6, 9))
        dict(type='CurriculumHook', name='handover', begins=(20,), model={'inferred_mask_prob': (0.0, 1.0)})
        dict(type='CurriculumHook', name='handover', model={'inferred_mask_prob': dict(begin=10, end=20, values=(0.0, 1.0))})
        dict(type='CurriculumHook', name='stop', begins=(100,), model={'criterion.weights.stop': (0.0, 0.5)})

    The stage follows from the epoch or iteration alone, so a resumed run continues rightly; with stages by iteration, batches
    that workers make ahead are already those of the stage in which they will be used.

    Args:
        begins (Sequence[int]): epochs (or iterations) at which stages 1, 2, ... begin; stage 0 begins at 0.
        by_epoch (bool): whether numbers are epochs.
        model (Mapping): ``{'path.of.attribute': values by stage}``, or ``dict(begin=, end=, values=(first, last))`` for a
            number that moves in a straight line.
        name (str): by which :class:`~mmvos.datasets.staged.Staged` values find it.

    Raises:
        InputError: numbers that do not grow, or another number of values than stages.
    """

    def __init__(
        self,
        begins: Sequence[int] = (),
        by_epoch: bool = True,
        model: Mapping[str, Any] | None = None,
        name: str = 'curriculum',
    ) -> None:
        self.begins, self.by_epoch = list(begins), by_epoch
        if self.begins != sorted(set(self.begins)) or (self.begins and self.begins[0] < 1):
            raise InputError(f'CurriculumHook: begins is {tuple(begins)}; expected growing numbers from 1.')
        for path, values in (model or {}).items():
            if isinstance(values, Mapping) and (
                values.keys() != {'begin', 'end', 'values'} or values['end'] <= values['begin'] or len(values['values']) != 2
            ):
                raise InputError(f'{path}: {values}; expected dict(begin=, end=, values=(first, last)), begin before end.')
        super().__init__(len(self.begins) + 1, name, model)

    def stage_at(self, runner: Runner, iteration: int) -> int:
        return bisect.bisect_right(self.begins, runner.epoch if self.by_epoch else iteration)

    def before_train_epoch(self, runner: Runner) -> None:
        self.apply(runner)

    @override
    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None) -> None:
        if not self.by_epoch:
            self.apply(runner)

    def value_of(self, runner: Runner, values: Any, stage: int) -> Any:
        if not isinstance(values, Mapping):
            return values[stage]
        time = runner.epoch if self.by_epoch else runner.iter
        share = min(max((time - values['begin']) / (values['end'] - values['begin']), 0.0), 1.0)
        first, last = values['values']
        return first + share * (last - first)


@HOOKS.register_module()
class PlateauCurriculumHook(_Curriculum):
    """The next stage begins when a value has not improved for some epochs (RSIS, section 4).

    Used there for the number of objects, and to add one term of the loss after the other.

    Args:
        num_stages (int): how many there are.
        patience (int): epochs without improvement that a stage is given.
        monitor (str): name of a validation metric, or of a logged training value (``'train/loss'``).
        rule (str): ``'less'`` or ``'greater'`` is better.
        min_delta (float): smallest difference that counts as an improvement.
        model (dict | None): see :class:`CurriculumHook`.
        name (str): see :class:`CurriculumHook`.

    Raises:
        InputError: another ``rule``, another number of values than stages, or a metric that the validation does not give.
    """

    def __init__(
        self,
        num_stages: int,
        patience: int,
        monitor: str = 'train/loss',
        rule: str = 'less',
        min_delta: float = 0.0,
        model: Mapping[str, Any] | None = None,
        name: str = 'plateau',
    ) -> None:
        if rule not in ('less', 'greater'):
            raise InputError(f"PlateauCurriculumHook: rule is {rule!r}; expected 'less' or 'greater'.")
        super().__init__(num_stages, name, model)
        self.patience, self.monitor, self.min_delta = patience, monitor, min_delta
        self.sign = 1 if rule == 'less' else -1
        self.progress = dict(stage=0, best=float('inf'), waited=0)

    @override
    def stage_at(self, runner: Runner, iteration: int) -> int:
        return int(self.progress['stage'])

    def before_train_epoch(self, runner: Runner) -> None:
        self.apply(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        if self.monitor.startswith('train/'):
            history = MessageHub.get_current_instance().get_scalar(self.monitor)
            self._observe(history.mean(len(runner.train_dataloader)))

    @override
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not self.monitor.startswith('train/'):
            if self.monitor not in (metrics or {}):
                raise InputError(
                    f'PlateauCurriculumHook: no metric {self.monitor!r}; the validation gave {sorted(metrics or {})}.'
                )
            self._observe((metrics or {})[self.monitor])

    def _observe(self, value: float) -> None:
        progress = self.progress
        if self.sign * value < progress['best'] - self.min_delta:
            progress.update(best=self.sign * value, waited=0)
            return
        progress['waited'] += 1
        if progress['waited'] >= self.patience and progress['stage'] < self.num_stages - 1:
            progress.update(stage=progress['stage'] + 1, best=float('inf'), waited=0)

    @override
    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint.setdefault('curricula', {})[self.name] = dict(self.progress)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume and self.name in checkpoint.get('curricula', {}):
            self.progress = dict(checkpoint['curricula'][self.name])
