"""What all converters share."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmvos.structures import InputError
from mmvos.utils.checkpoint import StateDict, check_numbers

Function = Callable[[Any], StateDict]


@dataclass(frozen=True)
class Converter:
    """A converter and what it expects of its input; see :func:`register_converter`."""

    function: Function
    parts: tuple[str, ...]
    nested: tuple[str, ...]

    def __call__(self, checkpoint: Any) -> StateDict:
        return self.function(checkpoint)


#: ``{method name: its converter}``
CONVERTERS: dict[str, Converter] = {}


def register_converter(
    name: str, parts: Sequence[str], nested: Sequence[str] = ('state_dict', 'net', 'model', 'seg')
) -> Callable[[Function], Function]:
    """A decorator that registers ``function(state_dict) -> state_dict`` under a method's name.

    Args:
        name (str): name of the method.
        parts (sequence of str): beginnings of converted names; of each, the result must have at least one.
        nested (sequence of str): names under which a checkpoint may hold the state dict; the first one that is there is
            taken.
    """

    def add(function: Function) -> Function:
        CONVERTERS[name] = Converter(function, tuple(parts), tuple(nested))
        return function

    return add


def rename(state_dict: Mapping[str, Any], rules: Sequence[tuple[str, str]], drop: Sequence[str] = ()) -> StateDict:
    """New names by regular expressions; the first rule that matches the whole key is used.

    Args:
        state_dict (Mapping[str, Any]): original names.
        rules (Sequence[tuple[str, str]]): ``(pattern, replacement)`` pairs for ``re.fullmatch`` / ``Match.expand``.
        drop (Sequence[str]): patterns of keys that are left out on purpose.

    Raises:
        InputError: a key that no rule covers (the checkpoint of another model), or two keys with one new name.
    """
    renamed: dict[str, Any] = {}
    unknown: list[str] = []
    for key, value in state_dict.items():
        if any(re.fullmatch(pattern, key) for pattern in drop):
            continue
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, key)
            if match:
                new_key = match.expand(replacement)
                if new_key in renamed:
                    raise InputError(f'two keys of the checkpoint become {new_key!r}; the second is {key!r}.')
                renamed[new_key] = value
                break
        else:
            unknown.append(key)
    if unknown:
        raise InputError(
            f'{len(unknown)} of {len(state_dict)} keys have no place in this model, e.g. {unknown[:3]}. '
            'Is it the checkpoint of another model?'
        )
    return renamed


def convert(method: str, checkpoint: Any, whole: bool = True) -> StateDict:
    """The state dict ``{name: tensor}`` for MMVOS's model from a loaded original checkpoint.

    Args:
        method (str): key of ``CONVERTERS``.
        checkpoint (dict): state dict ``{name: tensor}``, or a dict that holds it under one of the usual names.
        whole (bool): weights of every part of the model are expected; False: those of some parts will do.

    Raises:
        InputError: no such converter; no weights in the checkpoint, those of another model, only a part, or NaN.
    """
    if method not in CONVERTERS:
        raise InputError(f'no converter named {method!r}; there are {sorted(CONVERTERS)}.')
    converter = CONVERTERS[method]
    for name in converter.nested:
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get(name), dict):
            checkpoint = checkpoint[name]
            break
    if not isinstance(checkpoint, dict) or not any(isinstance(key, str) for key in checkpoint):
        raise InputError(f'the checkpoint holds no weights; expected a dict of tensors, found {_kind_of(checkpoint)}.')
    converted = converter.function(checkpoint)
    wrong = [key for key, value in converted.items() if not isinstance(value, Tensor)]
    if wrong:
        raise InputError(f'{wrong[0]!r}: expected a tensor, found {_kind_of(converted[wrong[0]])}.')
    for part in converter.parts if whole else ():
        if not any(key.startswith(part) for key in converted):
            raise InputError(f'the checkpoint holds no weights of {part.rstrip(".")!r}: only a part of the model {method}?')
    check_numbers(converted, method)
    return converted


def _kind_of(value: Any) -> str:
    return f'an empty {type(value).__name__}' if isinstance(value, (dict, list)) and not value else type(value).__name__
