"""Weights of an earlier training are loaded as a whole, or not at all."""

import re
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvos.registry import HOOKS
from mmvos.structures import InputError
from mmvos.utils.checkpoint import state_dict_of


@HOOKS.register_module()
class LoadCheckHook(Hook):
    """Refuses a checkpoint whose tensors do not fit the model, when a training begins from it or is resumed.

    mmengine loads what fits and leaves the rest at its initial values, with no more than a note in the log: a stage of a
    training that begins from the weights of another network goes on with half of it untrained. Rules that a module has for
    weights of another shape (``CueResNet``, ``InstanceMapHead``) apply before anything is compared.

    Args:
        ignore (Sequence[str]): regular expressions, matched with the whole name of a tensor, of what need not fit: tensors that
            begin with their initial values where the checkpoint has none of that shape, or that have no place in this model. In
            a resumed training everything has to fit.
    """

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        self.ignore = tuple(re.compile(pattern) for pattern in ignore)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """See the class.

        Raises:
            InputError: with a few of the tensors that do not fit, and the number of all.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        weights = state_dict_of(checkpoint)
        ignored = [] if runner._resume else self.ignore
        own = model.state_dict()
        for name in [name for name in weights if _matches(name, ignored)]:
            place = own.get(name.removeprefix('module.'))
            if place is None or place.shape != weights[name].shape:
                del weights[name]
        plain = {name.removeprefix('module.'): value for name, value in weights.items()}
        source = runner._load_from or 'the checkpoint'
        advice = 'if this is meant, list them in default_hooks.load_check.ignore'
        try:
            fits = model.load_state_dict(plain, strict=False)
        except RuntimeError as error:  # torch's report of tensors of another shape
            reports = [line.strip() for line in str(error).splitlines()[1:]]
            raise InputError(f'{source}: {len(reports)} tensors have another shape: {reports[0]}; {advice}.') from error
        missing = [name for name in fits.missing_keys if not _matches(name, ignored)]
        if missing or fits.unexpected_keys:
            raise InputError(
                f'{source}: these are not the weights of this model: {len(missing)} tensors are missing {missing[:2]}, '
                f'{len(fits.unexpected_keys)} are unknown {fits.unexpected_keys[:2]}; {advice}.'
            )


def _matches(name: str, patterns: Sequence[re.Pattern]) -> bool:
    return any(pattern.fullmatch(name.removeprefix('module.')) for pattern in patterns)
