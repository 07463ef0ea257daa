"""Schedules of learning rates and momenta that follow the config, also where a training is resumed with another one."""

import copy
import logging
import warnings
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.param_scheduler import ReduceOnPlateauParamScheduler
from mmengine.runner import Runner

from mmvos.structures import InputError

#: attributes of mmengine's schedulers that say where they are, not what they do
_PLACE = {'last_step', '_global_step', '_last_value', 'verbose', 'optimizer'}


class ScheduleHook(Hook):
    """Follows the config's ``param_scheduler`` after a resume, and warns of one that is shorter than the training.

    mmengine resumes a schedule with the settings of the checkpoint: with a larger ``max_iters`` the rate would stay where the
    old schedule ended. Here, where settings differ, the rate goes on as if the config's schedule had been there from the start.
    MMVOS's training loops bring it along; it need not be in a config.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._fresh: list[tuple[_ParamScheduler, dict[str, Any], list[float]]] = []
        self._changes = ''

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what the config asks for, before the checkpoint's schedules are loaded."""
        if not runner._resume or 'param_schedulers' not in checkpoint:
            return
        for scheduler in _schedulers(runner.param_schedulers):
            values = [group[scheduler.param_name] for group in scheduler.optimizer.param_groups]
            self._fresh.append((scheduler, copy.deepcopy(scheduler.state_dict()), values))
        states = checkpoint['param_schedulers']
        kept = [state for those in states.values() for state in those] if isinstance(states, dict) else states
        if len(kept) == len(self._fresh):
            changes = [_changes(new, old) for (_, new, _), old in zip(self._fresh, kept, strict=True)]
        else:
            changes = [f'{len(self._fresh)} schedules, where the checkpoint has {len(kept)}']
        self._changes = '; '.join(filter(None, changes))

    def before_train(self, runner: Runner) -> None:
        """Go to the training's place in a schedule that the checkpoint does not know.

        Raises:
            InputError: it depends on the metrics of the past, so that its place is unknown.
        """
        if self._fresh and self._changes:
            if any(isinstance(scheduler, ReduceOnPlateauParamScheduler) for scheduler, *_ in self._fresh):
                raise InputError(
                    f'param_scheduler: {self._changes}; a schedule that follows a metric cannot be changed on resume.'
                )
            print_log(f'param_scheduler: {self._changes}; its rates are those of the config from here on.', 'current')
            self._replay(runner.iter, runner.epoch)
        self._fresh = []
        beside = _schedulers(runner.param_schedulers)
        for scheduler in beside:
            _check_length(scheduler, [other for other in beside if other.by_epoch == scheduler.by_epoch], runner)

    def _replay(self, iterations: int, epochs: int) -> None:
        """Take all schedules from their first value to that of the training's place."""
        for scheduler, state, values in self._fresh:
            vars(scheduler).update(state)
            for group, value, initial in zip(scheduler.optimizer.param_groups, values, scheduler.base_values, strict=True):
                group[scheduler.param_name], group[f'initial_{scheduler.param_name}'] = value, initial
        done = 0
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # torch's and mmengine's: a schedule's step before one of the optimiser
            for number in range(1, max(iterations, epochs) + 1):
                steps = number <= iterations, done < (epochs * number) // max(iterations, epochs)
                done += steps[1]
                for by_epoch in (False, True):
                    for scheduler, *_ in self._fresh:
                        if steps[by_epoch] and scheduler.by_epoch == by_epoch:
                            scheduler.step()


def _schedulers(found: Any) -> list[_ParamScheduler]:
    """All schedules of a training, of which each optimiser has a list."""
    lists = found.values() if isinstance(found, dict) else [found or []]
    return [scheduler for those in lists for scheduler in those]


def _changes(new: dict[str, Any], old: dict[str, Any]) -> str:
    """What a schedule of the config has otherwise than that of a checkpoint; empty where they are the same."""
    names = [name for name in sorted({*new, *old} - _PLACE) if not callable(new.get(name))]
    names = [name for name in names if new.get(name) != old.get(name)]
    return ', '.join(f'{name} is {new.get(name)} and was {old.get(name)}' for name in names)


def _check_length(scheduler: _ParamScheduler, beside: list[_ParamScheduler], runner: Runner) -> None:
    """Warn where a falling schedule is at its lowest before the training ends, and no other one goes on from there."""
    unit, length = ('epochs', runner.max_epochs) if scheduler.by_epoch else ('iterations', runner.max_iters)
    period = getattr(scheduler, 'T_max', None) or (scheduler.end - scheduler.begin if hasattr(scheduler, 'power') else None)
    if period is None or scheduler.begin + period >= length:
        return
    lowest = scheduler.begin + period
    if not any(other is not scheduler and other.end > lowest for other in beside):
        after = 'rises again' if scheduler.end > lowest + 1 and hasattr(scheduler, 'T_max') else 'stays there'
        print_log(
            f'param_scheduler: {type(scheduler).__name__} is at its lowest after {lowest} of {length} {unit} and {after}; '
            'is `T_max` or `end` of a shorter training?',
            'current',
            level=logging.WARNING,
        )
