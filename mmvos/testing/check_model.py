"""The contract of a model, checked in one call."""

import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Literal

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvos.structures import InputError
from mmvos.utils import load_config

from . import contract
from .subject import BrokenPromise, NotAsked, Subject

#: ``{name of a promise: the function that checks it}``, in the order in which they are checked
CONTRACT: dict[str, Callable[[Subject], None]] = {
    check.__name__: check
    for check in (
        contract.every_trainable_parameter_gets_a_gradient,
        contract.objects_come_late_and_leave,
        contract.objects_have_no_rank,
        contract.a_late_object_leaves_the_others_as_they_are,
        contract.a_frame_is_encoded_once,
        contract.scores_are_probabilities_of_the_labels,
        contract.a_look_ahead_changes_nothing,
        contract.videos_are_kept_apart,
        contract.saved_weights_give_the_same_output,
        contract.corrections_keep_the_ids,
        contract.a_correction_in_the_first_frame,
    )
}


@dataclass(frozen=True)
class CheckResult:
    """What became of one promise.

    Attributes:
        name (str): key of :data:`CONTRACT`.
        outcome (str): ``'kept'``, ``'broken'`` or ``'not asked'``.
        words (str): what was found, or why it is not asked; empty for a kept promise.
        error (Exception | None): error of the model's code that broke the promise.
    """

    name: str
    outcome: Literal['kept', 'broken', 'not asked']
    words: str = ''
    error: Exception | None = None

    def __str__(self) -> str:
        line = f'{self.outcome:<9}  {self.name.replace("_", " ")}'
        if self.outcome == 'not asked':
            return f'{line}: {self.words}'
        if self.outcome == 'kept':
            return line
        promise, _, advice = cleandoc(CONTRACT[self.name].__doc__ or '').partition('\n\n')
        texts = {'promise': promise, 'found': self.words, 'look at': advice.removeprefix('Look at: ')}
        return '\n'.join([line, *(f'           {key}: {" ".join(text.split())}' for key, text in texts.items())])


@dataclass(frozen=True)
class ContractReport:
    """What became of the promises of a model.

    Attributes:
        model (str): class of the model.
        results (list[CheckResult]): one result a promise.
    """

    model: str
    results: list[CheckResult]

    @property
    def broken(self) -> list[CheckResult]:
        """The results of broken promises."""
        return [result for result in self.results if result.outcome == 'broken']

    def __str__(self) -> str:
        asked = [result for result in self.results if result.outcome != 'not asked']
        title = f'{self.model} keeps {len(asked) - len(self.broken)} of the {len(asked)} promises that are asked of it'
        return '\n'.join([title, *map(str, self.results)])


class ContractError(AssertionError):
    """A model breaks its contract; the message holds the report, ``report`` is it."""

    def __init__(self, report: ContractReport) -> None:
        super().__init__(str(report))
        self.report = report


def check_model(cfg: str | os.PathLike | Config, only: Sequence[str] | None = None) -> ContractReport:
    """Check that a method of video object segmentation does what the toolbox relies on.

    Trains one step on the config's training set, and runs sessions over small synthetic videos. With the small model of a
    ``mini`` config, it takes some seconds. ``print(check_model(...))`` shows what was asked.

    Args:
        cfg (path | Config): config with ``model`` and ``train_dataloader``.
        only (Sequence[str] | None): names of the promises to check, keys of :data:`CONTRACT`; None: all.

    Returns:
        ContractReport: the promises, all kept or not asked of this model.

    Raises:
        ContractError: a promise is broken; all of them have been checked. Its cause is the first error of the model's code.
        InputError: not the config of a VOS model, or a promise of an unknown name.
    """
    for name in only or ():
        if name not in CONTRACT:
            raise InputError(f'check_model: no promise {name!r}; expected of {", ".join(CONTRACT)}.')
    config = load_config(cfg)
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmvos')):
        subject = Subject(config)
        results = [_result(name, subject) for name in CONTRACT if only is None or name in only]
    report = ContractReport(subject.name, results)
    if report.broken:
        raise ContractError(report) from next((result.error for result in report.broken if result.error), None)
    return report


def _result(name: str, subject: Subject) -> CheckResult:
    try:
        CONTRACT[name](subject)
    except NotAsked as reason:
        return CheckResult(name, 'not asked', str(reason))
    except BrokenPromise as found:
        return CheckResult(name, 'broken', str(found))
    except Exception as error:  # whatever the model's code raises: the other promises are checked all the same
        return CheckResult(name, 'broken', _located(error), error)
    return CheckResult(name, 'kept')


def _located(error: Exception) -> str:
    """An error in one line, with the last line of code outside torch that it passed."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f'{os.sep}torch{os.sep}' not in f.filename]
    place = f' ({Path(frames[-1].filename).name}, line {frames[-1].lineno}, in {frames[-1].name})' if frames else ''
    text = (str(error).strip() or 'no message').splitlines()[0]
    return f'{type(error).__name__}: {text}{place}'
