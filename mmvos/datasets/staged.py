"""Settings of a training pipeline whose value depends on the stage of a curriculum."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError


class Stage(NamedTuple):
    """Where a curriculum is: ``number`` of its stage, from 0, of ``total`` ones."""

    number: int
    total: int


#: stage of every curriculum, by name, while this process makes a sample
_stages: dict[str, Stage] = {}


@contextmanager
def in_stages(stages: Mapping[str, Stage]) -> Iterator[None]:
    """Staged settings have the values of these stages inside.

    Args:
        stages (Mapping[str, Stage]): stage of every curriculum, by name.
    """
    before = dict(_stages)
    _stages.update(stages)
    try:
        yield
    finally:
        _stages.clear()
        _stages.update(before)


@TASK_UTILS.register_module()
@dataclass(frozen=True)
class Staged:
    """A setting that has one value in each stage of a curriculum.

    For settings that a transform declares as :class:`StagedSetting`, and for ``train_dataloader.batch_size``::

        dict(type='SampleClip', clip_len=dict(type='Staged', values=(2, 4, 8)))
        custom_hooks = [dict(type='CurriculumHook', begins=(3, 6))]

    The stage belongs to the batch, wherever the batch is made: worker processes, also persistent ones, need no message,
    and all samples of a batch are of one stage.

    Args:
        values (Sequence): one value for each stage.
        curriculum (str): name of the ``CurriculumHook`` or ``PlateauCurriculumHook`` that says which stage it is.
    """

    values: Sequence[Any]
    curriculum: str = 'curriculum'

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not isinstance(self.values, Sequence) or not self.values:
            raise InputError(f'Staged: values is {self.values!r}; expected one value for each stage.')

    @property
    def value(self) -> Any:
        """The value in the stage of the sample that is being made.

        Raises:
            InputError: see :meth:`in_stage`.
        """
        return self.in_stage(_stages)

    def in_stage(self, stages: Mapping[str, Stage]) -> Any:
        """The value in given stages.

        Args:
            stages (Mapping[str, Stage]): stage of every curriculum, by name.

        Raises:
            InputError: no curriculum of this name runs, or it has another number of stages.
        """
        if self.curriculum not in stages:
            raise InputError(
                f'Staged values {tuple(self.values)}: no curriculum {self.curriculum!r} is running; expected a CurriculumHook '
                f'or PlateauCurriculumHook of this name in custom_hooks (there are: {", ".join(sorted(stages)) or "none"}).'
            )
        stage = stages[self.curriculum]
        if stage.total != len(self.values):
            raise InputError(
                f'Staged values {tuple(self.values)}: {len(self.values)} values for the {stage.total} stages of the '
                f'curriculum {self.curriculum!r}.'
            )
        return self.values[stage.number]


class StagedSetting:
    """An attribute that may be given as a plain value or as ``dict(type='Staged', ...)``; reading it gives the plain value.

    A class declares it, and uses the attribute as any other::

        class SampleClip(BaseTransform):
            clip_len = StagedSetting()

            def __init__(self, clip_len):
                self.clip_len = clip_len
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        try:
            setting = vars(instance)[self.name]
        except KeyError as error:
            raise AttributeError(f'{owner.__name__}.{self.name} is not set yet') from error
        return setting.value if isinstance(setting, Staged) else setting

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, Mapping) and value.get('type') == 'Staged':
            value = TASK_UTILS.build(dict(value))
        vars(instance)[self.name] = value

    def values(self, instance: Any) -> tuple[Any, ...]:
        """All values that the attribute of an instance may have, for checks when it is made."""
        setting = vars(instance)[self.name]
        return tuple(setting.values) if isinstance(setting, Staged) else (setting,)
