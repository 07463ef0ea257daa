"""Settings: what a config gives as a dict becomes a frozen dataclass, and a key that the dataclass lacks is an error."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import InputError

Settings = TypeVar('Settings')


@dataclass(frozen=True)
class NoSettings:
    """Settings of a part that has none: any key is an error."""


def settings_from(cls: type[Settings], values: Mapping[str, Any] | Settings | None, place: str) -> Settings:
    """Settings of a class from the mapping that a config gives.

    Args:
        cls (type): frozen dataclass that declares the settings and their defaults. Ranges are its ``__post_init__``'s.
        values (Mapping | None): keys and values; None for all defaults. An instance of ``cls`` is returned as it is.
        place (str): where the mapping stands, for messages, e.g. ``'AGAME.test_cfg'``.

    Returns:
        An instance of ``cls``. A mapping for a field whose type is a dataclass (or that or None) becomes that
            dataclass.

    Raises:
        InputError: a key that ``cls`` does not declare (with the nearest one that it does), a key without a default
            that is missing, or a value of another type than declared. Choices are declared as ``Literal``.
    """
    if isinstance(values, cls):
        return values
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f'{place}: expected a mapping of settings, got {values!r}.')
    given = {str(key): value for key, value in (values or {}).items()}
    known = {field.name for field in fields(cls) if field.init}  # type: ignore[arg-type]  # a dataclass, which has no type of its own
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean {near[0]!r}?' if near else f'known are {", ".join(sorted(known)) or "none"}.'
            raise InputError(f'{place}: unknown setting {key!r}; {hint}')
    hints = get_type_hints(cls)
    for key, value in given.items():
        nested = next((part for part in (hints[key], *get_args(hints[key])) if is_dataclass(part)), None)
        if nested is not None and isinstance(value, Mapping):
            given[key] = settings_from(nested, value, f'{place}.{key}')  # type: ignore[arg-type]  # a dataclass, which has no type of its own
        elif not _fits(value, hints[key]):
            raise InputError(f'{place}.{key}: expected {_spelled(hints[key])}, got {value!r}.')
    try:
        return cls(**given)
    except TypeError as error:
        raise InputError(f'{place}: {error}.') from error
    except InputError as error:
        raise InputError(f'{place}: {error}') from error


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has a declared type; only scalars, choices and None are looked at, anything else is taken as it is."""
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(hint))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str, NoneType):
        return isinstance(value, hint)
    return True


def _spelled(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return ' or '.join(_spelled(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return ' or '.join(map(repr, get_args(hint)))
    return 'None' if hint is NoneType else getattr(hint, '__name__', str(hint))
